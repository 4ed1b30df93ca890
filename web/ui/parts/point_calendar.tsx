// The days that a machine can go back to: a column for each week, a square for each day, its colour what is proven. A day
// that is picked says so to the list below. One stop of the Tab key; arrows go from day to day.
import { useRef, useState } from 'preact/hooks';
import * as format from '../format';
import type { Point } from '../generated/api';
import { worstProof } from '../proof';
import { text } from '../text';

const kWeeksMin = 8;
const kWeeksMax = 26;
const kDaysOfWeek = 7;
const kSteps: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -kDaysOfWeek, ArrowRight: kDaysOfWeek };

type Day = { key: string; date: Date; points: Point[]; isFuture: boolean };

/// Whole weeks from Monday to Sunday, the last one with today in it; as many as the points need.
function weeksOf(points: Point[]): Day[][] {
  const byDay = new Map<string, Point[]>();
  for (const point of points) {
    const key = format.localDay(new Date(point.time));
    byDay.set(key, [...(byDay.get(key) ?? []), point]);
  }
  const today = new Date();
  const oldest = Math.min(...points.map((point) => Date.parse(point.time)), today.getTime());
  const weeks = Math.ceil((today.getTime() - oldest) / (kDaysOfWeek * 86_400_000)) + 1;
  const count = Math.min(kWeeksMax, Math.max(kWeeksMin, weeks));
  const sinceMonday = (today.getDay() + 6) % kDaysOfWeek;
  return Array.from({ length: count }, (_, week) =>
    Array.from({ length: kDaysOfWeek }, (_, day) => {
      const date = new Date(today.getFullYear(), today.getMonth(), today.getDate());
      date.setDate(date.getDate() - sinceMonday - (count - 1 - week) * kDaysOfWeek + day);
      const key = format.localDay(date);
      return { key, date, points: byDay.get(key) ?? [], isFuture: date > today };
    }),
  );
}

function labelOf({ key, points }: Day, dropped: ReadonlySet<string> | null): string {
  const words = [text.calendar.points(points.length), text.calendar.proofs[worstProof(points)]];
  if (points.some((point) => point.kind === 'full')) words.push(text.calendar.withFull);
  const gone = points.filter((point) => dropped?.has(point.id)).length;
  if (gone > 0) words.push(text.calendar.dropped(gone));
  return `${key}: ${words.join(', ')}`;
}

type Properties = {
  points: Point[];
  /// The points that a rule would remove; null while no rule is asked about.
  dropped: ReadonlySet<string> | null;
  picked: string | null;
  onPick: (day: string | null) => void;
};

export function PointCalendar({ points, dropped, picked, onPick }: Properties) {
  const weeks = weeksOf(points);
  const days = weeks.flat();
  const filled = days.filter((day) => day.points.length > 0);
  const [focused, setFocused] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const stop = filled.find((day) => day.key === (focused ?? picked)) ?? filled[filled.length - 1];
  const move = (event: KeyboardEvent) => {
    const step = kSteps[event.key];
    if (step === undefined || !stop) return;
    event.preventDefault();
    let at = days.indexOf(stop) + step;
    while (days[at] && days[at]!.points.length === 0) at += step;
    const next = days[at];
    if (!next) return;
    setFocused(next.key);
    box.current?.querySelector<HTMLElement>(`[data-day="${next.key}"]`)?.focus();
  };
  return (
    <div class="calendar-box">
      <div ref={box} class="calendar" role="group" aria-label={text.calendar.label} onKeyDown={move}>
        <DayNames />
        {weeks.map((week, index) => (
          <div key={week[0]!.key} class="calendar-week">
            <span class="calendar-month" aria-hidden="true">
              {index === 0 || week[0]!.date.getMonth() !== weeks[index - 1]![0]!.date.getMonth() ? format.monthName(week[0]!.date) : ''}
            </span>
            {week.map((day) => (
              <DaySquare
                key={day.key}
                day={day}
                dropped={dropped}
                isPicked={picked === day.key}
                isStop={day === stop}
                onPick={() => {
                  setFocused(day.key);
                  onPick(picked === day.key ? null : day.key);
                }}
              />
            ))}
          </div>
        ))}
      </div>
      <Legend withDropped={dropped !== null} />
    </div>
  );
}

type SquareProperties = {
  day: Day;
  dropped: ReadonlySet<string> | null;
  isPicked: boolean;
  isStop: boolean;
  onPick: () => void;
};

function DaySquare({ day, dropped, isPicked, isStop, onPick }: SquareProperties) {
  if (day.points.length === 0) return <span class={day.isFuture ? 'day future' : 'day'} title={day.isFuture ? '' : day.key} />;
  const hasFull = day.points.some((point) => point.kind === 'full');
  const isGone = dropped !== null && day.points.every((point) => dropped.has(point.id));
  const label = labelOf(day, dropped);
  return (
    <button
      type="button"
      data-day={day.key}
      class={`day ${worstProof(day.points)}${hasFull ? ' full' : ''}${isGone ? ' gone' : ''}`}
      aria-label={label}
      aria-pressed={isPicked}
      title={label}
      tabIndex={isStop ? 0 : -1}
      onClick={onPick}
    />
  );
}

function DayNames() {
  return (
    <div class="calendar-week names" aria-hidden="true">
      <span class="calendar-month" />
      {text.calendar.days.map((name, index) => (
        <span key={name} class="day-name">
          {index % 2 === 0 ? name : ''}
        </span>
      ))}
    </div>
  );
}

function Legend({ withDropped }: { withDropped: boolean }) {
  const entries: Array<[string, string]> = [
    ['sound', text.calendar.proofs.sound],
    ['old', text.calendar.proofs.old],
    ['never', text.calendar.proofs.never],
    ['damaged', text.calendar.proofs.damaged],
    ['sound full', text.calendar.withFull],
    ...(withDropped ? [['sound gone', text.calendar.wouldGo] as [string, string]] : []),
  ];
  return (
    <ul class="legend" aria-hidden="true">
      {entries.map(([look, name]) => (
        <li key={look}>
          <span class={`day ${look}`} /> {name}
        </li>
      ))}
    </ul>
  );
}
