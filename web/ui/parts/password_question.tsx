// Asks for the password again where the appliance wants it, and lets the request that needed it go on.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, whenUnconfirmed } from '../api';
import { useAction } from '../resource';
import { text } from '../text';
import { Dialog, TextField } from './forms';

export function PasswordQuestion() {
  const [asking, setAsking] = useState(false);
  const [password, setPassword] = useState('');
  const answer = useRef<(given: boolean) => void>(() => undefined);
  useEffect(() => {
    whenUnconfirmed(
      () =>
        new Promise((resolve) => {
          answer.current = resolve;
          setAsking(true);
        }),
    );
  }, []);
  const end = (given: boolean) => {
    setAsking(false);
    setPassword('');
    answer.current(given);
  };
  const action = useAction(async () => {
    await call('confirmSession', { body: { password } });
    end(true);
  });
  if (!asking) return null;
  return (
    <Dialog
      title={text.confirm.title}
      action={text.confirm.action}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={() => end(false)}
    >
      <p>{text.confirm.note}</p>
      <TextField
        label={text.confirm.password}
        type="password"
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
        maxLength={256}
        required
      />
    </Dialog>
  );
}
