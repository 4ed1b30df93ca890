// The shares that hosts export to: who serves them, how that fares, and each host's account there.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Host, Share, ShareAccount, ShareServer } from '../generated/api';
import { useAction } from '../resource';
import { href } from '../router';
import { text } from '../text';
import { Badge, Empty, IfMay, Section, type Tone, When } from './basics';
import { CheckField, Dialog, TextField } from './forms';
import { useRemoval } from './removal';
import { CredentialsDialog, QuotaDialog } from './share_dialogs';
import { Table } from './table';

const kServerTones: Record<ShareServer['state'], Tone> = { off: 'quiet', starting: 'busy', running: 'good', failed: 'bad' };

export function Shares({ shares, hosts, onChange }: { shares: Share[]; hosts: Host[]; onChange: () => void }) {
  const [adding, setAdding] = useState(false);
  const removal = useRemoval<Share>(
    (share) => call('removeShare', { path: { name: share.name } }),
    (share) => ({
      title: text.shares.removeTitle(share.name),
      note: text.shares.removeNote,
      action: text.hosts.removeAction,
    }),
    onChange,
  );
  const served = shares.find((share) => share.managed); // One file server serves them all.
  return (
    <>
      <Section
        title={text.shares.title}
        note={text.shares.note}
        actions={
          <IfMay to="addShare">
            <button type="button" onClick={() => setAdding(true)}>
              {text.shares.add}
            </button>
          </IfMay>
        }
      >
        {shares.length === 0 ? (
          <Empty title={text.shares.empty} />
        ) : (
          <Table
            label={text.shares.title}
            rows={shares}
            rowKey={(share) => share.name}
            columns={[
              { title: text.hosts.name, kind: 'main', cell: (share) => <strong>{share.name}</strong> },
              { title: text.shares.unc, cell: (share) => <code>{share.unc}</code> },
              { title: text.shares.path, cell: (share) => <code>{share.path}</code> },
              { title: text.shares.server, cell: (share) => <ServerState share={share} /> },
              {
                title: text.shares.free,
                kind: 'number',
                cell: (share) => (share.free_bytes === null ? '–' : format.bytes(share.free_bytes)),
              },
              {
                title: text.vms.actions,
                kind: 'actions',
                cell: (share) => (
                  <IfMay to="removeShare">
                    <button type="button" onClick={() => removal.ask(share)} aria-label={text.shares.removeTitle(share.name)}>
                      {text.hosts.remove}
                    </button>
                  </IfMay>
                ),
              },
            ]}
          />
        )}
        {served?.server && <ServerTrouble server={served.server} />}
        {adding && <ShareDialog onClose={() => setAdding(false)} onAdded={onChange} />}
        {removal.dialog}
      </Section>
      {shares
        .filter((share) => share.managed)
        .map((share) => (
          <Accounts key={share.name} share={share} hosts={hostsOf(share, shares, hosts)} onChange={onChange} />
        ))}
    </>
  );
}

/// The hosts that export to this share: those that name it, and with one share alone all.
function hostsOf(share: Share, shares: Share[], hosts: Host[]): Host[] {
  return hosts.filter((host) => (host.share ? host.share === share.name : shares.length === 1));
}

function ServerState({ share }: { share: Share }) {
  if (!share.server) return <span class="muted">{text.shares.external}</span>;
  return (
    <>
      <Badge tone={kServerTones[share.server.state]}>{text.shares.states[share.server.state]}</Badge>
      {share.listen && <span class="row-note">{text.shares.listensAt(share.listen)}</span>}
      {share.server.restarts > 0 && <span class="row-note">{text.shares.restarts(share.server.restarts)}</span>}
    </>
  );
}

function ServerTrouble({ server }: { server: ShareServer }) {
  if (!server.message) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{text.shares.trouble}</strong> {server.message}
      </p>
      {server.hint && (
        <p>
          {text.common.hint}: {server.hint}
        </p>
      )}
      {server.log.length > 0 && (
        <details>
          <summary>{text.shares.log}</summary>
          <pre class="tail">{server.log.join('\n')}</pre>
        </details>
      )}
    </div>
  );
}

type Question = { kind: 'issue' | 'rotate' | 'quota'; host: string; account: ShareAccount | null };

function Accounts({ share, hosts, onChange }: { share: Share; hosts: Host[]; onChange: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = () => setQuestion(null);
  const removal = useRemoval<ShareAccount>(
    (account) => call('revokeShareCredentials', { path: { name: account.host } }),
    (account) => ({
      title: text.shares.closeTitle(account.host),
      note: text.shares.closeNote,
      action: text.shares.closeAction,
    }),
    onChange,
  );
  const rows = hosts.map((host) => ({
    host: host.name,
    account: share.accounts.find((account) => account.host === host.name) ?? null,
  }));
  return (
    <Section title={text.shares.accounts(share.name)} note={text.shares.accountsNote}>
      {rows.length === 0 ? (
        <Empty title={text.shares.noHosts} />
      ) : (
        <Table
          label={text.shares.accounts(share.name)}
          rows={rows}
          rowKey={(row) => row.host}
          columns={[
            { title: text.shares.host, kind: 'main', cell: (row) => <a href={href('hosts', row.host)}>{row.host}</a> },
            { title: text.shares.account, cell: (row) => <AccountName account={row.account} /> },
            { title: text.shares.used, cell: (row) => (row.account ? <Use account={row.account} /> : '–') },
            {
              title: text.shares.passwordMade,
              cell: (row) => <When time={row.account?.password_made} />,
            },
            {
              title: text.vms.actions,
              kind: 'actions',
              cell: ({ host, account }) => (
                <IfMay to="issueShareCredentials">
                  {account?.has_password ? (
                    <>
                      <button type="button" onClick={() => setQuestion({ kind: 'rotate', host, account })}>
                        {text.shares.rotate}
                        <span class="visually-hidden"> {host}</span>
                      </button>
                      <button type="button" onClick={() => setQuestion({ kind: 'quota', host, account })}>
                        {text.shares.quota}
                        <span class="visually-hidden"> {host}</span>
                      </button>
                      <button type="button" onClick={() => removal.ask(account)} aria-label={text.shares.closeTitle(host)}>
                        {text.shares.close}
                      </button>
                    </>
                  ) : (
                    <button type="button" class="primary" onClick={() => setQuestion({ kind: 'issue', host, account })}>
                      {text.shares.issue}
                      <span class="visually-hidden"> {host}</span>
                    </button>
                  )}
                </IfMay>
              ),
            },
          ]}
        />
      )}
      {question && question.kind !== 'quota' && (
        <CredentialsDialog host={question.host} rotate={question.kind === 'rotate'} onClose={close} onIssued={onChange} />
      )}
      {question?.kind === 'quota' && question.account && (
        <QuotaDialog account={question.account} onClose={close} onChanged={onChange} />
      )}
      {removal.dialog}
    </Section>
  );
}

function AccountName({ account }: { account: ShareAccount | null }) {
  if (!account) return <span class="muted">{text.shares.noAccount}</span>;
  return (
    <>
      <code>{account.account}</code>
      {account.computer && <span class="row-note">{account.computer}</span>}
      {!account.has_password && !account.computer && <span class="row-note bad-text">{text.shares.closed}</span>}
    </>
  );
}

function Use({ account }: { account: ShareAccount }) {
  if (account.quota_bytes === null) return <>{format.bytes(account.used_bytes)}</>;
  return <>{text.shares.usedOf(format.bytes(account.used_bytes), format.bytes(account.quota_bytes))}</>;
}

function ShareDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [managed, setManaged] = useState(true);
  const [name, setName] = useState('exports');
  const [unc, setUnc] = useState('');
  const [path, setPath] = useState('');
  const add = useAction(async () => {
    await call('addShare', { body: { name, path, managed, ...(unc ? { unc } : {}) } });
    onClose();
    onAdded();
  });
  return (
    <Dialog
      title={text.shares.add}
      action={text.shares.save}
      busy={add.busy}
      problem={add.problem}
      onSubmit={() => void add.run()}
      onClose={onClose}
    >
      <CheckField label={text.shares.managed} hint={text.shares.managedHint} checked={managed} onChange={setManaged} />
      <TextField label={text.hosts.name} value={name} onChange={setName} required maxLength={64} />
      <TextField label={text.shares.path} hint={text.shares.pathHint} value={path} onChange={setPath} required maxLength={4096} />
      <TextField
        label={text.shares.unc}
        hint={managed ? text.shares.uncHintManaged : text.shares.uncHint}
        value={unc}
        onChange={setUnc}
        required={!managed}
        maxLength={512}
      />
    </Dialog>
  );
}
