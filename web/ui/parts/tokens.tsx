// API tokens: the own ones, an administrator sees all. A secret is shown once.
import { useState } from 'preact/hooks';
import { call, currentSession } from '../api';
import type { ApiToken, NewApiToken } from '../generated/api';
import { useAction, usePages } from '../resource';
import { text } from '../text';
import { Badge, Empty, Section, When } from './basics';
import { CheckField, Dialog, NumberField, TextField } from './forms';
import { Paged } from './paged';
import { useRemoval } from './removal';
import { SecretBox } from './secret_box';
import { Table } from './table';
import { RoleField } from './users';

const kDaysDefault = 90;

export function Tokens() {
  const tokens = usePages(async (cursor, signal) => {
    const page = await call('listTokens', { query: { cursor }, signal });
    return { rows: page.tokens, next: page.next_cursor };
  }, []);
  const [adding, setAdding] = useState(false);
  const [fresh, setFresh] = useState<NewApiToken | null>(null);
  const removal = useRemoval<ApiToken>(
    (token) => call('revokeToken', { path: { id: token.id } }),
    (token) => ({ title: text.access.revokeTitle(token.name), note: text.access.revokeNote, action: text.access.revokeAction }),
    tokens.reload,
  );
  return (
    <Section
      title={text.access.tokens}
      note={text.access.tokensNote}
      actions={
        <button type="button" onClick={() => setAdding(true)}>
          {text.access.addToken}
        </button>
      }
    >
      {fresh && (
        <SecretBox
          title={text.access.secretTitle(fresh.name)}
          note={text.access.secretNote}
          secret={fresh.secret}
          onClose={() => setFresh(null)}
        />
      )}
      <Paged pages={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={text.access.noTokens} />
          ) : (
            <Table
              isWhole
            label={text.access.tokens}
              rows={rows}
              rowKey={(token) => token.id}
              columns={[
                { title: text.access.token, kind: 'main', cell: (token) => <strong>{token.name}</strong> },
                { title: text.access.owner, cell: (token) => token.user ?? <span class="muted">{text.access.system}</span> },
                {
                  title: text.access.role,
                  cell: (token) => (
                    <>
                      {text.access.roles[token.role]} {token.may_destroy && <Badge tone="warning">{text.access.destroys}</Badge>}
                    </>
                  ),
                },
                {
                  title: text.access.expires,
                  cell: (token) =>
                    token.is_ended ? <Badge tone="quiet">{text.access.ended}</Badge> : <When time={token.expires} relative />,
                },
                {
                  title: text.access.lastUsed,
                  kind: 'short',
                  cell: (token) =>
                    token.last_used ? <When time={token.last_used} relative /> : <span class="muted">{text.access.never}</span>,
                },
                {
                  title: text.vms.actions,
                  kind: 'actions',
                  cell: (token) => (
                    <button type="button" aria-label={text.access.revokeTitle(token.name)} onClick={() => removal.ask(token)}>
                      {text.access.revoke}
                    </button>
                  ),
                },
              ]}
            />
          )
        }
      </Paged>
      {adding && (
        <AddDialog
          onClose={() => setAdding(false)}
          onAdded={(token) => {
            setAdding(false);
            setFresh(token);
            tokens.reload();
          }}
        />
      )}
      {removal.dialog}
    </Section>
  );
}

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: (token: NewApiToken) => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<ApiToken['role']>('viewer');
  const [days, setDays] = useState(kDaysDefault);
  const [mayDestroy, setMayDestroy] = useState(false);
  const action = useAction(async () => {
    onAdded(await call('addToken', { body: { name, role, days, may_destroy: mayDestroy } }));
  });
  return (
    <Dialog
      title={text.access.addToken}
      action={text.access.addToken}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <TextField label={text.access.token} value={name} onChange={setName} maxLength={128} required />
      <RoleField value={role} onChange={setRole} up={currentSession()?.privilege ?? 'viewer'} />
      <NumberField label={text.access.days} value={days} onChange={setDays} />
      <CheckField
        label={text.access.mayDestroy}
        hint={text.access.mayDestroyHint}
        checked={mayDestroy}
        onChange={setMayDestroy}
      />
    </Dialog>
  );
}
