// What if: how many of a machine's points each rule would keep and remove today. Nothing is removed here.
import { useEffect, useState } from 'preact/hooks';
import { call, kAll } from '../api';
import * as format from '../format';
import type { Policy, Retention, RetentionPreview, Vm } from '../generated/api';
import { useResource, useSettled } from '../resource';
import { text } from '../text';
import { Loaded, ProblemBox } from './basics';
import { KeepFields, keptOf, retentionWords } from './keep_fields';
import { Table } from './table';

type Choice = { key: string; name: string; rule: Retention };

const kPresets: Choice[] = [
  { key: 'week', name: text.whatIf.week, rule: { keep_last: 1, keep_daily: 7 } },
  { key: 'month', name: text.whatIf.month, rule: { keep_last: 3, keep_daily: 30 } },
  { key: 'year', name: text.whatIf.year, rule: { keep_last: 3, keep_daily: 14, keep_weekly: 8, keep_monthly: 12 } },
];
const kOwn = 'own';
const kSettleMs = 250;

/// `onPlan` gets the plan of the picked choice; it marks the points on the page.
export function RetentionChoices({ vm, onPlan }: { vm: Vm; onPlan: (plan: RetentionPreview | null) => void }) {
  const policies = useResource((signal) => call('listPolicies', { query: kAll, signal }), []);
  return (
    <div class="panel">
      <p class="muted">{text.whatIf.note}</p>
      <Loaded resource={policies}>{(list) => <Choices vm={vm} policies={list.policies} onPlan={onPlan} />}</Loaded>
    </div>
  );
}

type Properties = { vm: Vm; policies: Policy[]; onPlan: (plan: RetentionPreview | null) => void };

function Choices({ vm, policies, onPlan }: Properties) {
  const ofVm = policies.filter((policy) => vm.policies.includes(policy.name));
  const [own, setOwn] = useState<Retention>(ofVm[0]?.retention ?? kPresets[2]!.rule);
  const [picked, setPicked] = useState('');
  const given: Choice[] = [
    ...ofVm.map((policy) => ({ key: `policy ${policy.name}`, name: text.whatIf.now(policy.name), rule: policy.retention })),
    ...kPresets,
  ];
  const ownRule = useSettled(keptOf(own), kSettleMs);
  const isOwnEmpty = Object.keys(keptOf(own)).length === 0;
  const choices = isOwnEmpty ? given : [...given, { key: kOwn, name: text.whatIf.own, rule: keptOf(own) }];
  const ask = (rule: Retention, signal: AbortSignal) =>
    call('previewRetention', { body: { vm: vm.id, host: vm.host, rule: keptOf(rule) }, signal });
  const plansOfGiven = useResource((signal) => Promise.all(given.map(({ rule }) => ask(rule, signal))), [given]);
  const planOfOwn = useResource(
    (signal) => (Object.keys(ownRule).length === 0 ? Promise.resolve(null) : ask(ownRule, signal)),
    [ownRule],
  );
  const planOf = (key: string) =>
    (key === kOwn ? (isOwnEmpty ? null : planOfOwn.data) : plansOfGiven.data?.[given.findIndex((choice) => choice.key === key)]) ?? null;
  useEffect(() => onPlan(planOf(picked)), [picked, isOwnEmpty, plansOfGiven.data, planOfOwn.data]);
  return (
    <>
      <Table<Choice>
        label={text.whatIf.title}
        rows={choices}
        rowKey={(choice) => choice.key}
        columns={[
          {
            title: text.whatIf.rule,
            kind: 'main',
            cell: (choice) => (
              <label class="choice">
                <input type="radio" name="retention-choice" checked={picked === choice.key} onChange={() => setPicked(choice.key)} />
                <span>
                  <strong>{choice.name}</strong>
                  <span class="row-note">{retentionWords(choice.rule)}</span>
                </span>
              </label>
            ),
          },
          { title: text.whatIf.keeps, kind: 'number', cell: ({ key }) => numberOf(planOf(key)?.kept.length) },
          { title: text.whatIf.removes, kind: 'number', cell: ({ key }) => numberOf(planOf(key)?.removed.length) },
          {
            title: text.whatIf.frees,
            kind: 'number',
            cell: ({ key }) => {
              const plan = planOf(key);
              return plan ? format.bytes(plan.removed_unique_bytes) : '–';
            },
          },
        ]}
      />
      <ProblemBox problem={plansOfGiven.problem ?? planOfOwn.problem} />
      <KeepFields
        legend={text.whatIf.ownNumbers}
        value={own}
        onChange={(rule) => {
          setOwn(rule);
          setPicked(kOwn);
        }}
      />
    </>
  );
}

function numberOf(value: number | undefined): string {
  return value === undefined ? '–' : format.count(value);
}
