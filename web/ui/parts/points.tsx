// The recovery points of a machine: the days it can go back to, each point with size, kind, reason and proof, and which of
// them a rule would keep.
import type { ComponentChildren } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Point, RetentionPreview, Vm } from '../generated/api';
import { useResource } from '../resource';
import { text } from '../text';
import { Badge, Empty, Loaded, Section, VerifiedBadge, When } from './basics';
import { changedBytes, consistencyName, KeptBadges, PointActions, PointFacts } from './point_actions';
import { PointCalendar } from './point_calendar';
import { pointsShown } from './points_shown';
import { Rest } from './rest';
import { RetentionChoices } from './retention_choices';
import { Table, type Column } from './table';

const kPointsAtOnce = 300;
const kBarWidth = 64;

type Properties = { vm: Vm; onChange: () => void; onBackup: (() => void) | null };

export function Points({ vm, onChange, onBackup }: Properties) {
  const [pageCount, setPageCount] = useState(1);
  const [isBusy, setBusy] = useState(false);
  // The number of pages is no input: what is shown stays while more is read, or the same again.
  const points = useResource(
    (signal) => loadPages(vm, pageCount, signal).finally(() => setBusy(false)),
    [vm.id, vm.host],
    'live',
  );
  const loadMore = () => {
    setBusy(true);
    setPageCount(pageCount + 1);
    points.reload();
  };
  const changed = () => {
    points.reload();
    onChange();
  };
  return (
    <Loaded resource={points}>
      {(list) =>
        list.points.length === 0 ? (
          <Section title={text.vm.recovery}>
            <Empty title={text.vm.noPoints} hint={text.vm.noPointsHint}>
              {onBackup && (
                <button type="button" class="primary" onClick={onBackup}>
                  {text.vms.backUp}
                </button>
              )}
            </Empty>
          </Section>
        ) : (
          <PointList
            vm={vm}
            points={list.points}
            onChange={changed}
            rest={<Rest words={pointsShown(list.points.length, !list.hasMore)} more={list.hasMore ? loadMore : null} isBusy={isBusy} />}
            hasMore={list.hasMore}
          />
        )
      }
    </Loaded>
  );
}

/// As many pages as were asked for, however many there are: a point that was added moves the others on.
async function loadPages(vm: Vm, count: number, signal: AbortSignal): Promise<{ points: Point[]; hasMore: boolean }> {
  const points: Point[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < count; ++page) {
    const answer = await call('listPoints', { query: { vm: vm.id, host: vm.host, limit: kPointsAtOnce, cursor }, signal });
    points.push(...answer.points);
    if (answer.next_cursor === null) return { points, hasMore: false };
    cursor = answer.next_cursor;
  }
  return { points, hasMore: true };
}

type ListProperties = { vm: Vm; points: Point[]; onChange: () => void; rest: ComponentChildren; hasMore: boolean };

function PointList({ vm, points, onChange, rest, hasMore }: ListProperties) {
  const [open, setOpen] = useState<string | null>(null);
  const [day, setDay] = useState<string | null>(null);
  const [asks, setAsks] = useState(false);
  const [plan, setPlan] = useState<RetentionPreview | null>(null);
  const onPlan = useCallback((fresh: RetentionPreview | null) => setPlan(fresh), []);
  const rows = day === null ? points : points.filter((point) => format.localDay(new Date(point.time)) === day);
  return (
    <Section
      title={text.vm.recovery}
      actions={
        <button
          type="button"
          aria-expanded={asks}
          onClick={() => {
            setAsks(!asks);
            setPlan(null);
          }}
        >
          {asks ? text.whatIf.close : text.whatIf.title}
        </button>
      }
    >
      {asks && <RetentionChoices vm={vm} onPlan={onPlan} />}
      <PointCalendar points={points} dropped={plan && new Set(plan.removed)} picked={day} onPick={setDay} />
      {day !== null && (
        <p class="actions picked-day" role="status">
          {text.calendar.only(day)}
          <button type="button" onClick={() => setDay(null)}>
            {text.calendar.showAll}
          </button>
        </p>
      )}
      <Table
        label={text.vm.recovery}
        isWhole
        rows={rows}
        rowKey={(point) => point.id}
        columns={pointColumns({ open, setOpen, plan, largest: Math.max(...points.map((point) => point.unique_bytes)) })}
        detail={(point) =>
          open === point.id ? (
            <>
              <PointFacts point={point} />
              <PointActions point={point} onChange={onChange} onRemoved={onChange} />
            </>
          ) : null
        }
      />
      {rest}
      {plan && hasMore && <p class="muted">{text.whatIf.unseen}</p>}
    </Section>
  );
}

type View = { open: string | null; setOpen: (id: string | null) => void; plan: RetentionPreview | null; largest: number };

function pointColumns({ open, setOpen, plan, largest }: View): Column<Point>[] {
  const kept = new Map(plan?.kept.map(({ point, because }) => [point, because.join(', ')]));
  return [
    {
      title: text.point.time,
      kind: 'main',
      cell: (point) => (
        <button
          type="button"
          class="fold"
          aria-expanded={open === point.id}
          onClick={() => setOpen(open === point.id ? null : point.id)}
        >
          <When time={point.time} />
        </button>
      ),
    },
    ...(plan ? [{ title: text.whatIf.verdict, cell: (point: Point) => <Verdict because={kept.get(point.id)} /> }] : []),
    {
      title: text.point.kind,
      cell: (point) => (
        <>
          <Badge tone="quiet">{point.kind === 'full' ? text.point.full : text.point.incremental}</Badge>
          <span class="row-note">{point.reason}</span>
        </>
      ),
    },
    { title: text.point.consistency, cell: (point) => consistencyName(point.consistency) },
    { title: text.point.changed, kind: 'number', cell: (point) => format.bytes(changedBytes(point)) },
    { title: text.point.stored, kind: 'number', cell: (point) => <StoredBytes bytes={point.unique_bytes} largest={largest} /> },
    { title: text.point.verified, cell: (point) => <VerifiedBadge point={point} /> },
    { title: text.point.kept, cell: (point) => <KeptBadges point={point} /> },
  ];
}

function Verdict({ because }: { because: string | undefined }) {
  return because === undefined ? <Badge tone="warning">{text.whatIf.gone}</Badge> : <span class="row-note">{text.whatIf.would(because)}</span>;
}

/// The root keeps an increment visible beside a full.
function StoredBytes({ bytes, largest }: { bytes: number; largest: number }) {
  const width = largest > 0 ? Math.max(1, Math.sqrt(bytes / largest) * kBarWidth) : 0;
  return (
    <>
      {format.bytes(bytes)}
      <svg class="size-bar" aria-hidden="true" width={kBarWidth} height="4" viewBox={`0 0 ${kBarWidth} 4`}>
        <rect class="bar-base" x="0" y="1" width={kBarWidth} height="2" />
        <rect class="bar-done" x={kBarWidth - width} y="0" width={width} height="4" />
      </svg>
    </>
  );
}
