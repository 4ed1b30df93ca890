// Small pieces that every page uses: times, badges, problems, empty and loading states.
import type { ComponentChildren } from 'preact';
import { may, type Name } from '../api';
import * as format from '../format';
import type { JobState, Point, Problem } from '../generated/api';
import { proofOf } from '../proof';
import type { Resource } from '../resource';
import { text } from '../text';

/// What the role of the session does not allow is not offered.
export function IfMay({ to, children }: { to: Name; children: ComponentChildren }) {
  return may(to) ? <>{children}</> : null;
}

export type Tone = 'good' | 'warning' | 'bad' | 'busy' | 'quiet';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const kJobTones: Record<JobState, Tone> = {
  queued: 'quiet',
  running: 'busy',
  done: 'good',
  partly: 'warning',
  failed: 'bad',
  cancelled: 'quiet',
  interrupted: 'warning',
};

export function JobBadge({ state }: { state: JobState }) {
  return <Badge tone={kJobTones[state]}>{text.jobs.states[state]}</Badge>;
}

export function VerifiedBadge({ point }: { point: Pick<Point, 'verified' | 'has_known_damage'> }) {
  const proof = proofOf(point);
  if (proof === 'damaged') return <Badge tone="bad">{text.point.damaged}</Badge>;
  if (!point.verified) return <span class="muted">{text.point.never}</span>;
  return (
    <span title={`${text.time.utc(point.verified.time)}${point.verified.depth ? `: ${text.point.depths[point.verified.depth]}` : ''}`}>
      <Badge tone={proof === 'old' ? 'quiet' : 'good'}>
        {proof === 'old' ? text.point.old(format.relative(point.verified.time)) : text.point.sound}
      </Badge>
    </span>
  );
}

/// A moment in local time; how long ago it was stands beside it, UTC in the tooltip.
export function When({ time, relative = false }: { time: string | null | undefined; relative?: boolean }) {
  if (!time) return <span class="muted">–</span>;
  return (
    <time dateTime={time} title={text.time.utc(time)}>
      {relative ? format.relative(time) : format.dateTime(time)}
    </time>
  );
}

export function ProblemBox({ problem, onRetry }: { problem: Problem | null; onRetry?: () => void }) {
  if (!problem) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{problem.detail || text.common.refused}</strong>
      </p>
      {problem.context.length > 0 && (
        <p class="muted">
          {text.common.context}: {problem.context.join(', ')}
        </p>
      )}
      {problem.hint && (
        <p>
          {text.common.hint}: {problem.hint}
        </p>
      )}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {text.common.retryLoad}
        </button>
      )}
    </div>
  );
}

/// The content of what was read, or the reason why there is none.
export function Loaded<T>({ resource, children }: { resource: Resource<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      <ProblemBox problem={resource.problem} onRetry={resource.reload} />
      {resource.data !== null
        ? children(resource.data)
        : !resource.problem && (
            <p class="muted loading" role="status">
              {text.common.loading}
            </p>
          )}
    </>
  );
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {hint && <p class="muted">{hint}</p>}
      {children && <p class="actions">{children}</p>}
    </div>
  );
}

export function Section({
  title,
  note,
  actions,
  children,
}: {
  title: string;
  note?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section>
      <div class="section-head">
        <h2>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {note && <p class="muted">{note}</p>}
      {children}
    </section>
  );
}

type HeadProperties = { title: ComponentChildren; above?: ComponentChildren; children?: ComponentChildren };

export function PageHead({ title, above, children }: HeadProperties) {
  return (
    <header class="page-head">
      <div>
        {above && <div class="crumbs">{above}</div>}
        <h1 tabIndex={-1}>{title}</h1>
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

export function Facts({ rows }: { rows: Array<[string, ComponentChildren]> }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
