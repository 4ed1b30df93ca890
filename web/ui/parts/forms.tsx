// Dialogs and fields. A dialog is the browser's own: it keeps the focus, and Escape closes it.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Problem } from '../generated/api';
import { text } from '../text';
import { ProblemBox } from './basics';

type DialogProperties = {
  title: string;
  action: string;
  danger?: boolean;
  busy: boolean;
  problem: Problem | null;
  onSubmit: () => void;
  onClose: () => void;
  children?: ComponentChildren;
};

export function Dialog({ title, action, danger, busy, problem, onSubmit, onClose, children }: DialogProperties) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const opener = document.activeElement;
    box.current?.showModal();
    return () => opener instanceof HTMLElement && opener.focus();
  }, []);
  return (
    <dialog ref={box} aria-labelledby={heading} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2 id={heading}>{title}</h2>
        {children}
        <ProblemBox problem={problem} />
        <div class="actions end">
          <button type="button" onClick={() => box.current?.close()}>
            {text.common.cancel}
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

type FieldProperties = {
  label: string;
  hint?: string;
  optional?: boolean;
  children: (id: string, describedBy: string | undefined) => ComponentChildren;
};

export function Field({ label, hint, optional, children }: FieldProperties) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional && <span class="muted"> ({text.common.optional})</span>}
      </label>
      {children(id, hint ? hintId : undefined)}
      {hint && (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  );
}

type TextProperties = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  type?: 'text' | 'password' | 'date' | 'url' | 'search';
  required?: boolean;
  pattern?: string;
  maxLength?: number;
  lines?: number;
  min?: string;
  isFilter?: boolean;
  autoComplete?: 'off' | 'username' | 'current-password' | 'new-password';
};

export function TextField({
  label,
  value,
  onChange,
  hint,
  type = 'text',
  required = false,
  pattern,
  maxLength = 1024,
  lines,
  min,
  isFilter = false,
  autoComplete = 'off',
}: TextProperties) {
  return (
    <Field label={label} optional={!required && !isFilter && type !== 'search'} {...(hint ? { hint } : {})}>
      {(id, describedBy) =>
        lines ? (
          <textarea
            id={id}
            rows={lines}
            value={value}
            required={required}
            maxLength={maxLength}
            spellcheck={false}
            aria-describedby={describedBy}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        ) : (
          <input
            id={id}
            type={type}
            value={value}
            required={required}
            maxLength={maxLength}
            spellcheck={false}
            autocomplete={autoComplete}
            aria-describedby={describedBy}
            {...(pattern ? { pattern } : {})}
            {...(min ? { min } : {})}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}

type Choice<V extends string> = { value: V; label: string; hint?: string };

export function SelectField<V extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: V;
  choices: Choice<V>[];
  onChange: (value: V) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as V)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}

export function RadioField<V extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: V;
  choices: Choice<V>[];
  onChange: (value: V) => void;
}) {
  const name = useId();
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      {choices.map((choice) => (
        <label key={choice.value} class="choice">
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          <span>
            {choice.label}
            {choice.hint && <span class="hint">{choice.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function CheckField({
  label,
  hint,
  checked,
  onChange,
}: {
  label: string;
  hint: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class="choice">
        <input
          id={id}
          type="checkbox"
          checked={checked}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <span>{label}</span>
      </label>
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

type NumberProperties = { label: string; value: number; onChange: (value: number) => void; hint?: string };

/// Narrow, to stand beside others; with a hint it has a line of its own.
export function NumberField({ label, value, onChange, hint }: NumberProperties) {
  const id = useId();
  return (
    <div class={hint ? 'field' : 'field small'}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        class="number"
        min={0}
        max={10000}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onChange(Math.max(0, Math.trunc(Number(event.currentTarget.value)) || 0))}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/// A question before something that cannot be taken back.
export function Confirm({ note, ...rest }: { note: string } & Omit<DialogProperties, 'children'>) {
  return (
    <Dialog {...rest}>
      <p>{note}</p>
    </Dialog>
  );
}
