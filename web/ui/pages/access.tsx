// Who may do what: users for an administrator; the own tokens, sessions and password for everybody.
import { useState } from 'preact/hooks';
import { call, currentSession, isAdministrator } from '../api';
import type { LivingSession } from '../generated/api';
import { Badge, PageHead, ProblemBox, Section, When } from '../parts/basics';
import { Dialog, TextField } from '../parts/forms';
import { useNewPassword } from '../parts/new_password';
import { Paged } from '../parts/paged';
import { Table } from '../parts/table';
import { Tokens } from '../parts/tokens';
import { Users } from '../parts/users';
import { useAction, usePages } from '../resource';
import { text } from '../text';

export function AccessPage() {
  const session = currentSession();
  const [changing, setChanging] = useState(false);
  const [changed, setChanged] = useState(false);
  return (
    <>
      <PageHead title={text.access.title}>
        <button type="button" onClick={() => setChanging(true)}>
          {text.access.password}
        </button>
      </PageHead>
      {session && <p class="muted">{text.access.you(session.user, text.access.roles[session.privilege])}</p>}
      {changed && (
        <div class="notice good" role="status">
          <p>{text.access.changed}</p>
        </div>
      )}
      {isAdministrator() && <Users />}
      <Tokens />
      <Sessions />
      {changing && (
        <PasswordDialog
          onClose={() => setChanging(false)}
          onDone={() => {
            setChanging(false);
            setChanged(true);
          }}
        />
      )}
    </>
  );
}

function Sessions() {
  const sessions = usePages(async (cursor, signal) => {
    const page = await call('listSessions', { query: { cursor }, signal });
    return { rows: page.sessions, next: page.next_cursor };
  }, []);
  const end = useAction(async (session: LivingSession) => {
    await call('endSession', { path: { id: session.id } });
    sessions.reload();
  });
  return (
    <Section title={text.access.sessions}>
      <ProblemBox problem={end.problem} />
      <Paged pages={sessions}>
        {(rows) => (
          <Table
            isWhole
            label={text.access.sessions}
            rows={rows}
            rowKey={(session) => session.id}
            columns={[
              {
                title: text.access.user,
                kind: 'main',
                cell: (session) => (
                  <>
                    <strong>{session.user}</strong> {session.is_current && <Badge tone="good">{text.access.current}</Badge>}
                  </>
                ),
              },
              { title: text.access.address, cell: (session) => session.address },
              { title: text.access.browser, cell: (session) => <span class="row-note">{session.user_agent || '–'}</span> },
              { title: text.access.begun, kind: 'short', cell: (session) => <When time={session.begun} relative /> },
              { title: text.access.used, kind: 'short', cell: (session) => <When time={session.used} relative /> },
              {
                title: text.vms.actions,
                kind: 'actions',
                cell: (session) => (
                  <button
                    type="button"
                    disabled={end.busy}
                    aria-label={text.access.endOf(session.user, session.address)}
                    onClick={() => void end.run(session)}
                  >
                    {text.access.end}
                  </button>
                ),
              },
            ]}
          />
        )}
      </Paged>
    </Section>
  );
}

function PasswordDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [old, setOld] = useState('');
  const fresh = useNewPassword();
  const action = useAction(async () => {
    await call('changePassword', { body: { old_password: old, new_password: fresh.read() } });
    onDone();
  });
  return (
    <Dialog
      title={text.access.password}
      action={text.access.changeAction}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <TextField
        label={text.access.oldPassword}
        type="password"
        value={old}
        onChange={setOld}
        autoComplete="current-password"
        maxLength={256}
        required
      />
      {fresh.fields}
    </Dialog>
  );
}
