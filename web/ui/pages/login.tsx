// Log in with name and password, or with a one-time link: the setup, or a password that its user chooses.
import { useEffect, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { call, logIn, problemOf, redeemLink } from '../api';
import { ProblemBox } from '../parts/basics';
import { TextField } from '../parts/forms';
import { useNewPassword } from '../parts/new_password';
import type { LinkPurpose, Problem } from '../generated/api';
import { useAction } from '../resource';
import { text } from '../text';

type Properties = { token: string; problem: Problem | null; onLoggedIn: () => void };

export function Login({ token, problem, onLoggedIn }: Properties) {
  const [purpose, setPurpose] = useState<LinkPurpose | null>(null);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  useEffect(() => {
    if (!token) return;
    call('lookAtLink', { body: { token } }).then(setPurpose, (error: unknown) => setRefusal(problemOf(error)));
  }, [token]);
  if (token && !purpose && !refusal)
    return (
      <p class="muted loading" role="status">
        {text.login.looking}
      </p>
    );
  if (purpose) return <Choose token={token} purpose={purpose} onLoggedIn={onLoggedIn} />;
  return <WithPassword problem={refusal ?? problem} onLoggedIn={onLoggedIn} />;
}

function Frame({
  title,
  intro,
  action,
  problem,
  busy,
  onSubmit,
  children,
}: {
  title: string;
  intro?: string;
  action: string;
  problem: Problem | null;
  busy: boolean;
  onSubmit: () => void;
  children: ComponentChildren;
}) {
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <p class="brand">
          <img src="./favicon.svg" alt="" width={36} height={36} />
          <span>{text.product}</span>
        </p>
        <h1>{title}</h1>
        {intro && <p class="muted">{intro}</p>}
        {children}
        <ProblemBox problem={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? text.login.working : action}
        </button>
        {!intro && <p class="hint">{text.login.hint}</p>}
      </form>
    </main>
  );
}

function WithPassword({ problem, onLoggedIn }: { problem: Problem | null; onLoggedIn: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const action = useAction(async () => {
    await logIn(name, password);
    onLoggedIn();
  });
  return (
    <Frame
      title={text.login.title}
      action={text.login.action}
      problem={action.problem ?? problem}
      busy={action.busy}
      onSubmit={() => void action.run()}
    >
      <TextField label={text.login.user} value={name} onChange={setName} autoComplete="username" maxLength={64} required />
      <TextField
        label={text.login.password}
        type="password"
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
        maxLength={256}
        required
      />
    </Frame>
  );
}

function Choose({ token, purpose, onLoggedIn }: { token: string; purpose: LinkPurpose; onLoggedIn: () => void }) {
  const [name, setName] = useState('');
  const fresh = useNewPassword();
  const action = useAction(async () => {
    await redeemLink(token, name, fresh.read());
    onLoggedIn();
  });
  return (
    <Frame
      title={purpose.is_setup ? text.login.setupTitle : text.login.newTitle(purpose.user ?? '')}
      intro={purpose.is_setup ? text.login.setupIntro : text.login.newIntro}
      action={purpose.is_setup ? text.login.setupAction : text.login.newAction}
      problem={action.problem}
      busy={action.busy}
      onSubmit={() => void action.run()}
    >
      {purpose.is_setup && (
        <TextField label={text.login.user} value={name} onChange={setName} autoComplete="username" maxLength={64} required />
      )}
      {fresh.fields}
    </Frame>
  );
}
