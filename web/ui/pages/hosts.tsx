// Hyper-V hosts and the shares they export to.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { Host, Share } from '../generated/api';
import { Empty, Loaded, PageHead, Section, When } from '../parts/basics';
import { Dialog, TextField } from '../parts/forms';
import { HostDialog } from '../parts/host_dialog';
import { useRemoval } from '../parts/removal';
import { Table } from '../parts/table';
import { useAction, useResource } from '../resource';
import { go, href } from '../router';
import { text } from '../text';

export function Hosts() {
  const hosts = useResource((signal) => call('listHosts', { signal }), []);
  const shares = useResource((signal) => call('listShares', { signal }), []);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <PageHead title={text.hosts.title}>
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          {text.hosts.add}
        </button>
      </PageHead>
      <Loaded resource={hosts}>
        {(list) =>
          list.hosts.length === 0 ? (
            <Empty title={text.hosts.empty} hint={text.hosts.emptyHint} />
          ) : (
            <HostTable hosts={list.hosts} onChange={hosts.reload} />
          )
        }
      </Loaded>
      <Loaded resource={shares}>{(list) => <Shares shares={list.shares} onChange={shares.reload} />}</Loaded>
      {adding && (
        <HostDialog shares={shares.data?.shares ?? []} onClose={() => setAdding(false)} onAdded={(name) => go('hosts', name)} />
      )}
    </>
  );
}

function HostTable({ hosts, onChange }: { hosts: Host[]; onChange: () => void }) {
  const removal = useRemoval<Host>(
    (host) => call('removeHost', { path: { name: host.name } }),
    (host) => ({ title: text.hosts.removeTitle(host.name), note: text.hosts.removeNote, action: text.hosts.removeAction }),
    onChange,
  );
  return (
    <>
      <Table
        label={text.hosts.title}
        rows={hosts}
        rowKey={(host) => host.name}
        columns={[
          {
            title: text.hosts.name,
            kind: 'main',
            cell: (host) => (
              <>
                <a href={href('hosts', host.name)}>
                  <strong>{host.name}</strong>
                </a>
                {host.last_error && <span class="row-note bad-text">{host.last_error.message}</span>}
              </>
            ),
          },
          { title: text.hosts.url, cell: (host) => <code class="address">{host.url}</code> },
          { title: text.hosts.auth, cell: (host) => (host.user ? `${host.auth}, ${host.user}` : host.auth) },
          { title: text.hosts.share, cell: (host) => host.share ?? text.hosts.shareDefault },
          { title: text.hosts.vms, kind: 'number', cell: (host) => host.vm_count ?? '–' },
          {
            title: text.hosts.contact,
            cell: (host) =>
              host.last_contact ? <When time={host.last_contact} relative /> : <span class="muted">{text.hosts.never}</span>,
          },
          {
            title: text.vms.actions,
            kind: 'actions',
            cell: (host) => (
              <button type="button" onClick={() => removal.ask(host)} aria-label={text.hosts.removeTitle(host.name)}>
                {text.hosts.remove}
              </button>
            ),
          },
        ]}
      />
      {removal.dialog}
    </>
  );
}

function Shares({ shares, onChange }: { shares: Share[]; onChange: () => void }) {
  const [adding, setAdding] = useState(false);
  const removal = useRemoval<Share>(
    (share) => call('removeShare', { path: { name: share.name } }),
    (share) => ({
      title: text.hosts.removeShareTitle(share.name),
      note: text.hosts.removeShareNote,
      action: text.hosts.removeAction,
    }),
    onChange,
  );
  return (
    <Section
      title={text.hosts.shares}
      note={text.hosts.sharesNote}
      actions={
        <button type="button" onClick={() => setAdding(true)}>
          {text.hosts.addShare}
        </button>
      }
    >
      {shares.length === 0 ? (
        <Empty title={text.hosts.sharesEmpty} />
      ) : (
        <Table
          label={text.hosts.shares}
          rows={shares}
          rowKey={(share) => share.name}
          columns={[
            { title: text.hosts.name, kind: 'main', cell: (share) => <strong>{share.name}</strong> },
            { title: text.hosts.unc, cell: (share) => <code>{share.unc}</code> },
            { title: text.hosts.path, cell: (share) => <code>{share.path}</code> },
            {
              title: text.vms.actions,
              kind: 'actions',
              cell: (share) => (
                <button type="button" onClick={() => removal.ask(share)} aria-label={text.hosts.removeShareTitle(share.name)}>
                  {text.hosts.remove}
                </button>
              ),
            },
          ]}
        />
      )}
      {adding && <ShareDialog onClose={() => setAdding(false)} onAdded={onChange} />}
      {removal.dialog}
    </Section>
  );
}

function ShareDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [name, setName] = useState('exports');
  const [unc, setUnc] = useState('');
  const [path, setPath] = useState('');
  const add = useAction(async () => {
    await call('addShare', { body: { name, unc, path } });
    onClose();
    onAdded();
  });
  return (
    <Dialog
      title={text.hosts.addShare}
      action={text.hosts.saveShare}
      busy={add.busy}
      problem={add.problem}
      onSubmit={() => void add.run()}
      onClose={onClose}
    >
      <TextField label={text.hosts.name} value={name} onChange={setName} required maxLength={64} />
      <TextField label={text.hosts.unc} hint={text.hosts.uncHint} value={unc} onChange={setUnc} required maxLength={512} />
      <TextField label={text.hosts.path} value={path} onChange={setPath} required maxLength={4096} />
    </Dialog>
  );
}
