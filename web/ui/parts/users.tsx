// Users for an administrator: add, change, remove, and links with which they choose their passwords.
import { useState } from 'preact/hooks';
import { call, isAdministrator } from '../api';
import type { OneTimeLink, User } from '../generated/api';
import * as format from '../format';
import { useAction, usePages } from '../resource';
import { text } from '../text';
import { Badge, ProblemBox, Section, When } from './basics';
import { CheckField, Dialog, RadioField, TextField } from './forms';
import { Paged } from './paged';
import { useRemoval } from './removal';
import { linkOf, SecretBox } from './secret_box';
import { Table } from './table';

type Role = User['role'];
type Shown = { user: string; link: OneTimeLink };

const kRoles = Object.keys(text.access.roles) as Role[];

/// The roles with what each may do; `up` bounds them to what somebody has.
export function RoleField({ value, onChange, up }: { value: Role; onChange: (role: Role) => void; up?: Role }) {
  const roles = up ? kRoles.slice(0, kRoles.indexOf(up) + 1) : kRoles;
  return (
    <RadioField
      label={text.access.role}
      value={value}
      onChange={onChange}
      choices={roles.map((role) => ({ value: role, label: text.access.roles[role], hint: text.access.roleHints[role] }))}
    />
  );
}

export function Users() {
  const users = usePages(async (cursor, signal) => {
    const page = await call('listUsers', { query: { cursor }, signal });
    return { rows: page.users, next: page.next_cursor };
  }, []);
  const [adding, setAdding] = useState(false);
  const [changing, setChanging] = useState<User | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const makeLink = useAction(async (user: string) => {
    setShown({ user, link: await call('makeUserLink', { path: { name: user } }) });
    users.reload();
  });
  const removal = useRemoval<User>(
    (user) => call('removeUser', { path: { name: user.name } }),
    (user) => ({ title: text.access.removeTitle(user.name), note: text.access.removeNote, action: text.access.removeAction }),
    users.reload,
  );
  if (!isAdministrator()) return null;
  return (
    <Section
      title={text.access.users}
      note={text.access.usersNote}
      actions={
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          {text.access.addUser}
        </button>
      }
    >
      <ProblemBox problem={makeLink.problem} />
      {shown && (
        <SecretBox
          title={text.access.linkTitle(shown.user)}
          note={text.access.linkNote(format.dateTime(shown.link.expires))}
          secret={linkOf(shown.link.token)}
          onClose={() => setShown(null)}
        />
      )}
      <Paged pages={users}>
        {(rows) => (
          <Table
            isWhole
            label={text.access.users}
            rows={rows}
            rowKey={(user) => user.name}
            columns={[
              { title: text.access.user, kind: 'main', cell: (user) => <strong>{user.name}</strong> },
              { title: text.access.role, cell: (user) => text.access.roles[user.role] },
              { title: text.access.state, cell: (user) => <StateBadge user={user} /> },
              {
                title: text.access.lastSignIn,
                kind: 'short',
                cell: (user) =>
                  user.last_sign_in ? <When time={user.last_sign_in} relative /> : <span class="muted">{text.access.never}</span>,
              },
              {
                title: text.vms.actions,
                kind: 'actions',
                cell: (user) => (
                  <>
                    <button type="button" aria-label={text.access.changeTitle(user.name)} onClick={() => setChanging(user)}>
                      {text.access.change}
                    </button>
                    <button
                      type="button"
                      disabled={makeLink.busy}
                      aria-label={text.access.newLinkOf(user.name)}
                      onClick={() => void makeLink.run(user.name)}
                    >
                      {text.access.newLink}
                    </button>
                    <button type="button" aria-label={text.access.removeTitle(user.name)} onClick={() => removal.ask(user)}>
                      {text.access.remove}
                    </button>
                  </>
                ),
              },
            ]}
          />
        )}
      </Paged>
      {adding && (
        <AddDialog
          onClose={() => setAdding(false)}
          onAdded={(added) => {
            setAdding(false);
            setShown(added);
            users.reload();
          }}
        />
      )}
      {changing && (
        <ChangeDialog
          user={changing}
          onClose={() => setChanging(null)}
          onChanged={() => {
            setChanging(null);
            users.reload();
          }}
        />
      )}
      {removal.dialog}
    </Section>
  );
}

function StateBadge({ user }: { user: User }) {
  if (user.is_disabled) return <Badge tone="bad">{text.access.disabled}</Badge>;
  if (!user.has_password) return <Badge tone="warning">{text.access.invited}</Badge>;
  return <Badge tone="good">{text.access.active}</Badge>;
}

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: (shown: Shown | null) => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const action = useAction(async () => {
    const added = await call('addUser', { body: { name, role } });
    onAdded(added.link && { user: added.name, link: added.link });
  });
  return (
    <Dialog
      title={text.access.addUser}
      action={text.access.addUser}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <TextField label={text.login.user} value={name} onChange={setName} maxLength={64} required />
      <RoleField value={role} onChange={setRole} />
    </Dialog>
  );
}

function ChangeDialog({ user, onClose, onChanged }: { user: User; onClose: () => void; onChanged: () => void }) {
  const [role, setRole] = useState<Role>(user.role);
  const [disabled, setDisabled] = useState(user.is_disabled);
  const action = useAction(async () => {
    await call('changeUser', {
      path: { name: user.name },
      body: { ...(role === user.role ? {} : { role }), is_disabled: disabled },
    });
    onChanged();
  });
  return (
    <Dialog
      title={text.access.changeTitle(user.name)}
      action={text.access.changeAction}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <RoleField value={role} onChange={setRole} />
      <CheckField label={text.access.shutOut} hint={text.access.shutOutHint} checked={disabled} onChange={setDisabled} />
    </Dialog>
  );
}
