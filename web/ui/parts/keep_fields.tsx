// A retention rule: its six numbers as fields, and in words.
import type { Retention } from '../generated/api';
import { text } from '../text';
import { NumberField } from './forms';

const kKeepKeys = Object.keys(text.policies.keepNames) as Array<keyof typeof text.policies.keepNames>;

type Properties = { legend: string; value: Retention; onChange: (rule: Retention) => void; hint?: string };

export function KeepFields({ legend, value, onChange, hint }: Properties) {
  return (
    <fieldset class="field">
      <legend>{legend}</legend>
      <div class="numbers">
        {kKeepKeys.map((key) => (
          <NumberField
            key={key}
            label={text.policies.keepNames[key]}
            value={value[key] ?? 0}
            onChange={(number) => onChange({ ...value, [key]: number })}
          />
        ))}
      </div>
      {hint && <p class="hint">{hint}</p>}
    </fieldset>
  );
}

/// The rule without its zeros, as the API takes it; empty if it would keep nothing.
export function keptOf(rule: Retention): Retention {
  return Object.fromEntries(Object.entries(rule).filter(([, count]) => count > 0)) as Retention;
}

export function retentionWords(rule: Retention): string {
  const names = text.policies.keepNames;
  const words = kKeepKeys.filter((key) => (rule[key] ?? 0) > 0).map((key) => `${rule[key]} ${names[key]}`);
  return words.join(', ') || text.common.none;
}
