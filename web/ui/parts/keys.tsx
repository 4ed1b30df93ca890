// Key slots of the repository: list, add, change, revoke. A passphrase is never kept on this side.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { KeySlot } from '../generated/api';
import { useAction, useResource } from '../resource';
import { text } from '../text';
import { Loaded, Section, When } from './basics';
import { Dialog, TextField } from './forms';
import { useRemoval } from './removal';
import { Table } from './table';

type Question = 'add' | 'change';

export function Keys() {
  const keys = useResource((signal) => call('listKeys', { signal }), []);
  const [question, setQuestion] = useState<Question | null>(null);
  const [news, setNews] = useState('');
  const close = () => setQuestion(null);
  const done = (message: string) => {
    close();
    setNews(message);
    keys.reload();
  };
  const removal = useRemoval<KeySlot>(
    (key) => call('revokeKey', { path: { slot: key.number } }),
    (key) => ({
      title: text.repository.revokeTitle(key.number),
      note: text.repository.revokeNote,
      action: text.repository.revokeAction,
    }),
    () => done(''),
  );
  return (
    <Section
      title={text.repository.keys}
      note={text.repository.keysNote}
      actions={
        <>
          <button type="button" onClick={() => setQuestion('add')}>
            {text.repository.addKey}
          </button>
          <button type="button" onClick={() => setQuestion('change')}>
            {text.repository.changeKey}
          </button>
        </>
      }
    >
      {news && (
        <div class="notice good" role="status">
          <p>{news}</p>
        </div>
      )}
      <Loaded resource={keys}>
        {(list) => (
          <Table
            label={text.repository.keys}
            rows={list.keys}
            rowKey={(key) => String(key.number)}
            columns={[
              { title: text.repository.slot, kind: 'main', cell: (key) => key.number },
              {
                title: text.repository.kind,
                cell: (key) => (key.kind === 'recovery' ? text.repository.recovery : text.repository.passphrase),
              },
              { title: text.repository.created, cell: (key) => <When time={key.created} /> },
              {
                title: text.vms.actions,
                kind: 'actions',
                cell: (key) =>
                  list.keys.length > 1 && (
                    <button type="button" aria-label={text.repository.revokeTitle(key.number)} onClick={() => removal.ask(key)}>
                      {text.repository.revoke}
                    </button>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
      {question === 'add' && (
        <PassphraseDialog
          title={text.repository.addKey}
          onClose={close}
          onSubmit={async (_, fresh) =>
            done(text.repository.added((await call('addKey', { body: { passphrase: fresh } })).number))
          }
        />
      )}
      {question === 'change' && (
        <PassphraseDialog
          title={text.repository.changeKey}
          asksOld
          onClose={close}
          onSubmit={async (old, fresh) => {
            await call('changeKey', { body: { old_passphrase: old, new_passphrase: fresh } });
            done(text.repository.changed);
          }}
        />
      )}
      {removal.dialog}
    </Section>
  );
}

type PassphraseProperties = {
  title: string;
  asksOld?: boolean;
  onSubmit: (old: string, fresh: string) => Promise<void>;
  onClose: () => void;
};

function PassphraseDialog({ title, asksOld, onSubmit, onClose }: PassphraseProperties) {
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const [again, setAgain] = useState('');
  const action = useAction(async () => {
    if (fresh !== again) throw new Error(text.repository.differ);
    await onSubmit(old, fresh);
  });
  return (
    <Dialog
      title={title}
      action={title}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      {asksOld && <TextField label={text.repository.oldPass} type="password" value={old} onChange={setOld} required />}
      <TextField label={text.repository.newPass} type="password" value={fresh} onChange={setFresh} required />
      <TextField label={text.repository.again} type="password" value={again} onChange={setAgain} required />
    </Dialog>
  );
}
