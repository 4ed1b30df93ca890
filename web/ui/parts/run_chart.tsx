// Seven days of backups: how many went well, how many failed. A table to a screen reader, bars to the eye.
import * as format from '../format';
import type { Job } from '../generated/api';
import { text } from '../text';

const kDays = 7;
const kBarHeight = 56;

type Day = { key: string; name: string; done: number; failed: number };

function daysOf(jobs: Job[]): Day[] {
  const days: Day[] = [];
  for (let back = kDays - 1; back >= 0; --back) {
    const date = new Date();
    date.setDate(date.getDate() - back);
    days.push({ key: format.localDay(date), name: date.toLocaleDateString('en-GB', { weekday: 'short' }), done: 0, failed: 0 });
  }
  for (const job of jobs) {
    const day = job.ended ? days.find((candidate) => candidate.key === format.localDay(new Date(job.ended as string))) : undefined;
    if (!day) continue;
    if (job.state === 'done') ++day.done;
    else if (job.state === 'failed' || job.state === 'partly' || job.state === 'interrupted') ++day.failed;
  }
  return days;
}

export function WeekChart({ jobs }: { jobs: Job[] }) {
  const days = daysOf(jobs);
  const most = Math.max(1, ...days.map((day) => day.done + day.failed));
  return (
    <ul class="week">
      {days.map((day) => {
        const done = (day.done * kBarHeight) / most;
        const failed = (day.failed * kBarHeight) / most;
        return (
          <li key={day.key} title={text.overview.day(day.key, day.done, day.failed)}>
            <span class="visually-hidden">{text.overview.day(day.key, day.done, day.failed)}</span>
            <svg aria-hidden="true" width="28" height={kBarHeight + 2} viewBox={`0 0 28 ${kBarHeight + 2}`}>
              <rect class="bar-base" x="0" y={kBarHeight} width="28" height="2" />
              <rect class="bar-done" x="4" y={kBarHeight - done} width="20" height={done} />
              <rect class="bar-failed" x="4" y={kBarHeight - done - failed} width="20" height={failed} />
            </svg>
            <span aria-hidden="true">{day.name}</span>
            <span aria-hidden="true" class={day.failed > 0 ? 'bad-text' : 'muted'}>
              {day.failed > 0 ? `${day.done} + ${day.failed} ✕` : day.done}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
