// Log in with the one-time link that the daemon prints.
import { useState } from 'preact/hooks';
import { logIn } from '../api';
import { ProblemBox } from '../parts/basics';
import { TextField } from '../parts/forms';
import type { Problem } from '../generated/api';
import { useAction } from '../resource';
import { takeToken } from '../router';
import { text } from '../text';

export function Login({ problem, onLoggedIn }: { problem: Problem | null; onLoggedIn: () => void }) {
  const [link, setLink] = useState('');
  const action = useAction(async () => {
    const bare = link.trim();
    const token = takeToken(bare) || (/^[\w-]+$/.test(bare) ? bare : '');
    if (!token) throw new Error(text.login.missing);
    await logIn(token);
    onLoggedIn();
  });
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run();
        }}
      >
        <p class="brand">
          <img src="./favicon.svg" alt="" width={36} height={36} />
          <span>{text.product}</span>
        </p>
        <h1>{text.login.title}</h1>
        <p class="muted">{text.login.intro}</p>
        <TextField label={text.login.label} value={link} onChange={setLink} required />
        <ProblemBox problem={action.problem ?? problem} />
        <button type="submit" class="primary" disabled={action.busy}>
          {action.busy ? text.login.working : text.login.action}
        </button>
        <p class="hint">{text.login.hint}</p>
      </form>
    </main>
  );
}
