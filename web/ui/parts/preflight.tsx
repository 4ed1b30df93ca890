// What a restore would meet; and, of a machine, which switch each adapter goes onto.
import type { PreflightCheck, VmRestorePreflight } from '../generated/api';
import { text } from '../text';
import { Badge, type Tone } from './basics';
import { SelectField } from './forms';

type Result = PreflightCheck['result'];
const kTones: Record<Result, Tone> = { good: 'good', note: 'quiet', warning: 'warning', blocked: 'bad' };
const kOrder: Result[] = ['blocked', 'warning', 'note', 'good'];

type Answer = { can_start: boolean; checks: PreflightCheck[] };

export function Preflight({ answer, verdict }: { answer: Answer; verdict: string }) {
  const checks = [...answer.checks].sort((a, b) => kOrder.indexOf(a.result) - kOrder.indexOf(b.result));
  return (
    <section class="preflight" aria-label={text.preflight.title} aria-live="polite">
      <p class={`verdict ${answer.can_start ? 'good' : 'bad'}`}>
        <strong>{verdict}</strong>
      </p>
      <ul>
        {checks.map((check, index) => (
          <li key={index}>
            <Badge tone={kTones[check.result]}>{text.preflight.results[check.result]}</Badge>
            <div>
              {check.text}
              {check.cure && <p class="hint">{check.cure}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

type Step = { run: () => Promise<void>; busy: boolean };
type StepsProperties = { check: Step; start: Step; canStart: boolean; action: string; checking: string };

/// The button of the form is the check, and after one that found nothing in the way the restore.
export function CheckThenStart({ check, start, canStart, action, checking }: StepsProperties) {
  return (
    <>
      <p class="actions">
        <button type={canStart ? 'button' : 'submit'} class={canStart ? '' : 'primary'} disabled={check.busy} {...(canStart ? { onClick: () => void check.run() } : {})}>
          {check.busy ? checking : text.preflight.check}
        </button>
        <button type={canStart ? 'submit' : 'button'} class={canStart ? 'primary' : ''} disabled={!canStart || start.busy}>
          {action}
        </button>
      </p>
      {!canStart && <p class="muted">{text.preflight.checkFirst}</p>}
    </>
  );
}

/// One choice for each switch that the machine was on. The host's own switches are known after a check.
export function SwitchChoices({
  preflight,
  chosen,
  onChange,
}: {
  preflight: VmRestorePreflight | null;
  chosen: Record<string, string>;
  onChange: (chosen: Record<string, string>) => void;
}) {
  if (preflight === null) return <p class="muted">{text.restoreVm.switchesFirst}</p>;
  const old = [...new Set(preflight.adapters.map((adapter) => adapter.was_on).filter((name) => name !== ''))];
  const choices = [
    { value: '', label: text.restoreVm.disconnected },
    ...preflight.switches.map((name) => ({ value: name, label: name })),
  ];
  // A point of before remembers no adapters: one choice for all of them.
  return (
    <>
      {(old.length === 0 ? ['*'] : old).map((name) => (
        <SelectField
          key={name}
          label={name === '*' ? text.restoreVm.anySwitch : text.restoreVm.wasOn(name)}
          value={chosen[name] ?? ''}
          choices={choices}
          onChange={(wanted) => onChange({ ...chosen, [name]: wanted })}
        />
      ))}
    </>
  );
}
