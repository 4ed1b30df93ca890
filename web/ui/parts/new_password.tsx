// A new password, typed twice.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { text } from '../text';
import { TextField } from './forms';

const kLengthMax = 256;

/// `read` gives the password, or throws where the two differ.
export function useNewPassword(): { fields: ComponentChildren; read: () => string } {
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const shared = { type: 'password', autoComplete: 'new-password', maxLength: kLengthMax, required: true } as const;
  const fields = (
    <>
      <TextField label={text.login.newPassword} hint={text.login.passwordHint} value={password} onChange={setPassword} {...shared} />
      <TextField label={text.login.again} value={again} onChange={setAgain} {...shared} />
    </>
  );
  const read = () => {
    if (password !== again) throw new Error(text.login.differ);
    return password;
  };
  return { fields, read };
}
