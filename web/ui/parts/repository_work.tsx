// Work on the repository: verify, give back space, the catalog. Each is a job with a page of its own.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { Job, VerificationRequest } from '../generated/api';
import { useAction } from '../resource';
import { go } from '../router';
import { text } from '../text';
import { IfMay, ProblemBox, Section } from './basics';
import { Confirm, SelectField } from './forms';

type Start = ReturnType<typeof useAction<[() => Promise<{ job: Job }>]>>;

export function RepositoryWork() {
  const start: Start = useAction(async (begin: () => Promise<{ job: Job }>) => {
    const { job } = await begin();
    go('jobs', job.id);
  });
  return (
    <>
      <ProblemBox problem={start.problem} />
      <div class="columns">
        <IfMay to="startVerification">
          <Verify start={start} />
        </IfMay>
        <IfMay to="startGc">
          <Reclaim start={start} />
        </IfMay>
        <IfMay to="checkCatalog">
          <Catalog start={start} />
        </IfMay>
      </div>
    </>
  );
}

function Verify({ start }: { start: Start }) {
  const [depth, setDepth] = useState<NonNullable<VerificationRequest['depth']>>('packs');
  return (
    <Section title={text.repository.check} note={text.repository.checkNote}>
      <SelectField
        label={text.repository.depth}
        value={depth}
        onChange={setDepth}
        choices={[
          { value: 'manifests', label: text.repository.manifests },
          { value: 'packs', label: text.repository.packsDepth },
          { value: 'data', label: text.repository.data },
        ]}
      />
      <p class="actions">
        <button
          type="button"
          class="primary"
          disabled={start.busy}
          onClick={() => void start.run(() => call('startVerification', { body: { points: [], depth } }))}
        >
          {text.repository.verify}
        </button>
      </p>
    </Section>
  );
}

function Reclaim({ start }: { start: Start }) {
  const reclaim = (isDryRun: boolean) => void start.run(() => call('startGc', { body: { dry_run: isDryRun } }));
  return (
    <Section title={text.repository.reclaim} note={text.repository.reclaimNote}>
      <p class="actions">
        <button type="button" disabled={start.busy} onClick={() => reclaim(true)}>
          {text.repository.gcDry}
        </button>
        <button type="button" disabled={start.busy} onClick={() => reclaim(false)}>
          {text.repository.gc}
        </button>
      </p>
    </Section>
  );
}

function Catalog({ start }: { start: Start }) {
  const [asking, setAsking] = useState(false);
  return (
    <Section title={text.repository.catalog} note={text.repository.catalogNote}>
      <p class="actions">
        <button type="button" disabled={start.busy} onClick={() => void start.run(() => call('checkCatalog'))}>
          {text.repository.catalogCheck}
        </button>
        <IfMay to="rebuildCatalog">
          <button type="button" onClick={() => setAsking(true)}>
            {text.repository.catalogRebuild}
          </button>
        </IfMay>
      </p>
      {asking && (
        <Confirm
          title={text.repository.rebuildTitle}
          note={text.repository.rebuildNote}
          action={text.repository.rebuildAction}
          busy={start.busy}
          problem={start.problem}
          onSubmit={() => void start.run(() => call('rebuildCatalog'))}
          onClose={() => setAsking(false)}
        />
      )}
    </Section>
  );
}
