// A policy, new or changed: patterns with what they match now, a calendar with its next runs, and what to keep.
import { useEffect, useState } from 'preact/hooks';
import { call, loadAllVms, problemOf } from '../api';
import * as format from '../format';
import type { Policy, PolicyPreview, PolicyRequest, Problem, Retention } from '../generated/api';
import { useAction, useResource } from '../resource';
import { text } from '../text';
import { When } from './basics';
import { Dialog, NumberField, SelectField, TextField } from './forms';
import { KeepFields, keptOf } from './keep_fields';

const kPreviewDelayMs = 250;
const kNamesShown = 8;
const kPresets = [
  { label: text.policies.nightly, calendar: '*-*-* 22:00' },
  { label: text.policies.weekdays, calendar: 'Mon..Fri 18:30' },
  { label: text.policies.hourly, calendar: 'hourly' },
  { label: text.policies.weekly, calendar: 'Sat 03:00' },
];

const kUsual: Retention = { keep_last: 3, keep_daily: 14, keep_weekly: 8, keep_monthly: 12 };

/// `policy`: the one that is changed; none: one is added.
export function PolicyDialog({ policy, onClose, onDone }: { policy?: Policy; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(policy?.name ?? '');
  const [patterns, setPatterns] = useState(policy?.vms.join('\n') ?? '*');
  const [calendar, setCalendar] = useState(policy?.calendar ?? '*-*-* 22:00');
  const [consistency, setConsistency] = useState<NonNullable<PolicyRequest['consistency']>>(policy?.consistency ?? 'prefer-application');
  const [retention, setRetention] = useState<Retention>(policy?.retention ?? kUsual);
  const [fullEvery, setFullEvery] = useState(policy?.full_every ?? 0);
  const vms = patterns
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const save = useAction(async () => {
    const kept = keptOf(retention);
    if (Object.keys(kept).length === 0) throw new Error(text.policies.needRetention);
    const body = { name, vms, calendar, consistency, retention: kept, full_every: fullEvery };
    await (policy ? call('changePolicy', { path: { name: policy.name }, body }) : call('addPolicy', { body }));
    onClose();
    onDone();
  });
  return (
    <Dialog
      title={policy ? text.policies.changeTitle(policy.name) : text.policies.add}
      action={policy ? text.policies.changeAction : text.policies.save}
      busy={save.busy}
      problem={save.problem}
      onSubmit={() => void save.run()}
      onClose={onClose}
    >
      {policy && <p class="muted">{text.policies.changeNote}</p>}
      <TextField label={text.policies.name} value={name} onChange={setName} required maxLength={64} />
      <TextField
        label={text.policies.patterns}
        hint={text.policies.patternsHint}
        value={patterns}
        onChange={setPatterns}
        required
        lines={2}
        maxLength={4096}
      />
      <Matches patterns={vms} />
      <TextField
        label={text.policies.calendar}
        hint={text.policies.calendarHint}
        value={calendar}
        onChange={setCalendar}
        required
        maxLength={256}
      />
      <p class="actions presets" role="group" aria-label={text.policies.presets}>
        {kPresets.map((preset) => (
          <button
            key={preset.calendar}
            type="button"
            class="chip"
            aria-pressed={calendar === preset.calendar}
            onClick={() => setCalendar(preset.calendar)}
          >
            {preset.label}
          </button>
        ))}
      </p>
      <NextRuns calendar={calendar} />
      <SelectField
        label={text.policies.consistency}
        value={consistency}
        onChange={setConsistency}
        choices={[
          { value: 'prefer-application', label: text.backup.prefer },
          { value: 'application', label: text.backup.application },
          { value: 'crash', label: text.backup.crash },
        ]}
      />
      <KeepFields
        legend={text.policies.retention}
        hint={text.policies.retentionHint}
        value={retention}
        onChange={setRetention}
      />
      <NumberField label={text.policies.fullEvery} hint={text.policies.fullEveryHint} value={fullEvery} onChange={setFullEvery} />
    </Dialog>
  );
}

function Matches({ patterns }: { patterns: string[] }) {
  const vms = useResource(loadAllVms, []);
  if (!vms.data) return null;
  const names = vms.data
    .filter((vm) => vm.host !== '' && patterns.some((pattern) => format.matchesPattern(pattern, vm)))
    .map((vm) => vm.name);
  const rest = names.length - kNamesShown;
  return (
    <p class="preview" role="status">
      {names.length === 0
        ? text.policies.previewNone
        : `${text.policies.preview}: ${names.slice(0, kNamesShown).join(', ')}${rest > 0 ? ` ${text.policies.previewMore(rest)}` : ''}`}
    </p>
  );
}

function NextRuns({ calendar }: { calendar: string }) {
  const [preview, setPreview] = useState<PolicyPreview | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      if (calendar.trim() === '') return;
      call('previewPolicy', { body: { calendar, count: 5 }, signal: abort.signal }).then(
        (answer) => {
          setPreview(answer);
          setProblem(null);
        },
        (error: unknown) => {
          if (!abort.signal.aborted) {
            setPreview(null);
            setProblem(problemOf(error));
          }
        },
      );
    }, kPreviewDelayMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [calendar]);
  if (problem)
    return (
      <p class="preview bad-text" role="status">
        {problem.detail} {problem.hint}
      </p>
    );
  if (!preview) return null;
  return (
    <div class="preview" role="status">
      <p>{text.policies.nextRuns(preview.time_zone)}</p>
      <ul class="plain">
        {preview.next_runs.map((time) => (
          <li key={time}>
            <When time={time} /> <span class="muted">{format.relative(time)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
