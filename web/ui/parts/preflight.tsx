// What a restore of a machine would meet on its host, and which switch each adapter goes onto.
import type { VmRestorePreflight } from '../generated/api';
import { text } from '../text';
import { Badge, type Tone } from './basics';
import { SelectField } from './forms';

type Result = VmRestorePreflight['checks'][number]['result'];
const kTones: Record<Result, Tone> = { good: 'good', note: 'quiet', warning: 'warning', blocked: 'bad' };
const kOrder: Result[] = ['blocked', 'warning', 'note', 'good'];

export function Preflight({ answer }: { answer: VmRestorePreflight }) {
  const checks = [...answer.checks].sort((a, b) => kOrder.indexOf(a.result) - kOrder.indexOf(b.result));
  return (
    <section class="preflight" aria-label={text.restoreVm.preflight} aria-live="polite">
      <p class={`verdict ${answer.can_start ? 'good' : 'bad'}`}>
        <strong>{answer.can_start ? text.restoreVm.canStart(answer.name, answer.host) : text.restoreVm.cannotStart}</strong>
      </p>
      <ul>
        {checks.map((check, index) => (
          <li key={index}>
            <Badge tone={kTones[check.result]}>{text.restoreVm.results[check.result]}</Badge>
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
