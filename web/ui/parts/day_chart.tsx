// Days of jobs: how many went well, how many failed. Each day in words to a screen reader, bars to the eye.
import type { JobHistory } from '../generated/api';
import { text } from '../text';

const kBarHeight = 56;

type Day = JobHistory['days'][number];

function failedOf(day: Day): number {
  return day.failed + day.partly + day.interrupted;
}

/// By the appliance's own days: no zone of the browser may shift them.
function nameOf(day: Day): string {
  return new Date(`${day.day}T00:00:00Z`).toLocaleDateString(text.locale, { weekday: 'short', timeZone: 'UTC' });
}

export function DayChart({ history }: { history: JobHistory }) {
  const most = Math.max(1, ...history.days.map((day) => day.done + failedOf(day)));
  return (
    <ul class="days">
      {history.days.map((day) => {
        const failed = failedOf(day);
        const doneHeight = (day.done * kBarHeight) / most;
        // One failure among a thousand must be seen.
        const failedHeight = failed > 0 ? Math.max(3, (failed * kBarHeight) / most) : 0;
        const words = text.overview.day(day.day, day.done, failed);
        return (
          <li key={day.day} title={words}>
            <span class="visually-hidden">{words}</span>
            <svg aria-hidden="true" width="28" height={kBarHeight + 6} viewBox={`0 -4 28 ${kBarHeight + 6}`}>
              <rect class="bar-base" x="0" y={kBarHeight} width="28" height="2" />
              <rect class="bar-done" x="4" y={kBarHeight - doneHeight} width="20" height={doneHeight} />
              <rect class="bar-failed" x="4" y={Math.max(-4, kBarHeight - doneHeight - failedHeight)} width="20" height={failedHeight} />
            </svg>
            <span aria-hidden="true">{nameOf(day)}</span>
            <span aria-hidden="true" class={failed > 0 ? 'bad-text' : 'muted'}>
              {failed > 0 ? `${day.done} + ${failed} ✕` : day.done}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
