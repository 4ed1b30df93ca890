// Policies: which machines, when, how long to keep; and when they run next.
import { useState } from 'preact/hooks';
import { call, kAll } from '../api';
import type { Policy } from '../generated/api';
import { Empty, IfMay, Loaded, PageHead, ProblemBox, When } from '../parts/basics';
import { retentionWords } from '../parts/keep_fields';
import { PolicyDialog } from '../parts/policy_dialog';
import { useRemoval } from '../parts/removal';
import { Table } from '../parts/table';
import { useAction, useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';

export function Policies() {
  const policies = useResource((signal) => call('listPolicies', { query: kAll, signal }), [], 'live');
  const [adding, setAdding] = useState(false);
  const [changed, setChanged] = useState<Policy | null>(null);
  const [started, setStarted] = useState<number | null>(null);
  const run = useAction(async (name: string) => {
    setStarted(null);
    setStarted((await call('runPolicy', { path: { name } })).jobs.length);
  });
  const removal = useRemoval<Policy>(
    (policy) => call('removePolicy', { path: { name: policy.name } }),
    (policy) => ({
      title: text.policies.removeTitle(policy.name),
      note: text.policies.removeNote,
      action: text.policies.removeAction,
    }),
    policies.reload,
  );
  return (
    <>
      <PageHead title={text.policies.title}>
        <IfMay to="addPolicy">
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            {text.policies.add}
          </button>
        </IfMay>
      </PageHead>
      <ProblemBox problem={run.problem} />
      {started !== null && (
        <div class="notice good" role="status">
          <p>
            {started > 0 ? text.policies.started(started) : text.policies.noJobs}{' '}
            {started > 0 && <a href={href('jobs')}>{text.policies.showJobs}</a>}
          </p>
        </div>
      )}
      <Loaded resource={policies}>
        {(list) =>
          list.policies.length === 0 ? (
            <Empty title={text.policies.empty} hint={text.policies.emptyHint} />
          ) : (
            <Table
              label={text.policies.title}
              rows={list.policies}
              rowKey={(policy) => policy.name}
              columns={[
                { title: text.policies.name, kind: 'main', cell: (policy) => <strong>{policy.name}</strong> },
                {
                  title: text.policies.vms,
                  cell: (policy) => (
                    <>
                      <code>{policy.vms.join(', ')}</code>
                      <span class="row-note unbroken">{text.policies.matching(policy.matching_vms)}</span>
                    </>
                  ),
                },
                {
                  title: text.policies.calendar,
                  cell: (policy) => (
                    <div class="roomy">
                      <code>{policy.calendar}</code>
                      <span class="row-note">{text.consistencies[policy.consistency]}</span>
                      {policy.full_every > 0 && <span class="row-note">{text.policies.fullEveryShort(policy.full_every)}</span>}
                    </div>
                  ),
                },
                { title: text.policies.keep, cell: (policy) => <div class="roomy">{retentionWords(policy.retention)}</div> },
                {
                  title: text.policies.next,
                  cell: (policy) => (
                    <ul class="plain">
                      {policy.next_runs.slice(0, 3).map((time) => (
                        <li key={time}>
                          <When time={time} />
                        </li>
                      ))}
                    </ul>
                  ),
                },
                {
                  title: text.policies.last,
                  cell: (policy) =>
                    policy.last_run ? (
                      <When time={policy.last_run.time} relative />
                    ) : (
                      <span class="muted">{text.time.never}</span>
                    ),
                },
                {
                  title: text.vms.actions,
                  kind: 'actions',
                  cell: (policy) => (
                    <>
                      <IfMay to="runPolicy">
                        <button
                          type="button"
                          disabled={run.busy}
                          aria-label={`${text.policies.run}: ${policy.name}`}
                          onClick={() => void run.run(policy.name)}
                        >
                          {text.policies.run}
                        </button>
                      </IfMay>
                      <IfMay to="changePolicy">
                        <button type="button" aria-label={text.policies.changeTitle(policy.name)} onClick={() => setChanged(policy)}>
                          {text.policies.change}
                        </button>
                      </IfMay>
                      <IfMay to="removePolicy">
                        <button
                          type="button"
                          aria-label={text.policies.removeTitle(policy.name)}
                          onClick={() => removal.ask(policy)}
                        >
                          {text.policies.remove}
                        </button>
                      </IfMay>
                    </>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {adding && <PolicyDialog onClose={() => setAdding(false)} onDone={policies.reload} />}
      {changed && <PolicyDialog policy={changed} onClose={() => setChanged(null)} onDone={policies.reload} />}
      {removal.dialog}
    </>
  );
}
