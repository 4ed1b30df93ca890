// Where in a recovery point one is, the way back, and what is said while it is read or when it cannot be.
import * as format from '../format';
import type { Point, Problem } from '../generated/api';
import { filesHref, filesOfVmHref, href } from '../router';
import { text } from '../text';
import { ProblemBox } from './basics';
import { GuestName } from './guest_name';

/// A place as its address tells it: as deep as it is known.
export type Place = { point: string; disk?: string | undefined; volume?: string | undefined; folders: string[] };

type Step = { address: string | null; name: preact.ComponentChildren };

const kFoldersShown = 5;

export function Trail({ place, point }: { place: Place; point: Point | null }) {
  const steps = stepsTo(place, point);
  return (
    <div role="navigation" aria-label={text.files.trail}>
      <ol class="trail">
        {steps.map((step, index) => (
          <li key={index}>{step.address === null ? <span class="muted">{step.name}</span> : <a href={step.address}>{step.name}</a>}</li>
        ))}
      </ol>
    </div>
  );
}

/// Everything above the place; the place itself is the page's heading.
function stepsTo({ point: id, disk, volume, folders }: Place, point: Point | null): Step[] {
  const steps: Step[] = [{ address: href('files'), name: text.files.title }];
  if (point) steps.push({ address: filesOfVmHref(point.vm), name: <bdi>{point.vm.name}</bdi> });
  if (disk === undefined) return steps;
  steps.push({ address: filesHref(id), name: point ? format.dateTime(point.time) : format.shortId(id) });
  if (volume === undefined) return steps;
  steps.push({ address: filesHref(id, disk), name: diskTitle(disk, point) });
  if (folders.length === 0) return steps;
  steps.push({ address: filesHref(id, disk, volume), name: text.files.partition(volume) });
  const above = folders.slice(0, -1);
  const hidden = Math.max(0, above.length - kFoldersShown);
  if (hidden > 0) steps.push({ address: null, name: <span title={text.files.hidden(hidden)}>…</span> });
  above.slice(hidden).forEach((name, index) => {
    steps.push({ address: filesHref(id, disk, volume, ...folders.slice(0, hidden + index + 1)), name: <GuestName name={name} /> });
  });
  return steps;
}

export function diskTitle(disk: string, point: Point | null): preact.ComponentChildren {
  const found = point?.disks.find((entry) => String(entry.index) === disk || entry.id === disk);
  return found ? (
    <>
      {text.files.disk(found.index)}: <bdi>{found.name}</bdi>
    </>
  ) : (
    text.files.disk(disk)
  );
}

type ProblemProperties = { problem: Problem; point: string; onRetry: () => void };

/// Where the appliance has no hint, what to do in the console; what it cannot read stays so, and the disk is offered instead.
export function FilesProblem({ problem, point, onRetry }: ProblemProperties) {
  const hints: Record<number, string> = { 403: text.common.needsRole(text.access.roles['restore-operator']), 404: text.files.goneHint };
  const shown = { ...problem, hint: problem.hint || (hints[problem.status] ?? '') };
  if (problem.code !== 'unsupported') return <ProblemBox problem={shown} onRetry={onRetry} />;
  return (
    <>
      <ProblemBox problem={shown} />
      <p class="actions">
        <a class="button" href={href('restore', point)}>
          {text.files.instead}
        </a>
      </p>
    </>
  );
}

export function Reading() {
  return (
    <p class="muted loading" role="status">
      {text.files.reading}
    </p>
  );
}
