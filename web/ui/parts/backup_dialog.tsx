// "Back up now": how consistent, and whether everything is read again.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { BackupRequest } from '../generated/api';
import { useAction } from '../resource';
import { go } from '../router';
import { text } from '../text';
import { Dialog, RadioField } from './forms';

type Target = { id: string; name: string; host: string } | 'all';

export function BackupDialog({ target, onClose }: { target: Target; onClose: () => void }) {
  const [consistency, setConsistency] = useState<NonNullable<BackupRequest['consistency']>>('prefer-application');
  const [amount, setAmount] = useState<'incremental' | 'full'>('incremental');
  const start = useAction(async () => {
    const what = target === 'all' ? { all: true } : { vm: target.id, ...(target.host ? { host: target.host } : {}) };
    const { jobs } = await call('startBackups', { body: { ...what, full: amount === 'full', consistency } });
    onClose();
    if (jobs.length === 1 && jobs[0]) go('jobs', jobs[0].id);
    else go('jobs');
  });
  return (
    <Dialog
      title={target === 'all' ? text.backup.titleAll : text.backup.title(target.name)}
      action={text.backup.start}
      busy={start.busy}
      problem={start.problem}
      onSubmit={() => void start.run()}
      onClose={onClose}
    >
      <RadioField
        label={text.backup.consistency}
        value={consistency}
        onChange={setConsistency}
        choices={[
          { value: 'prefer-application', label: text.backup.prefer },
          { value: 'application', label: text.backup.application },
          { value: 'crash', label: text.backup.crash },
        ]}
      />
      <RadioField
        label={text.backup.kind}
        value={amount}
        onChange={setAmount}
        choices={[
          { value: 'incremental', label: text.backup.incremental, hint: text.backup.incrementalHint },
          { value: 'full', label: text.backup.full, hint: text.backup.fullHint },
        ]}
      />
    </Dialog>
  );
}
