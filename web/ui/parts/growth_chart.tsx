// How the repository grew: an area over the days. In words to a screen reader, with the ends named beside it.
import * as format from '../format';
import type { Growth } from '../generated/api';
import { text } from '../text';

const kWidth = 600;
const kHeight = 90;
const kDaysLeftShown = 3650;

type Sample = Growth['samples'][number];

function points(samples: Sample[], top: number): string {
  const first = Date.parse(samples[0]!.time);
  const span = Math.max(1, Date.parse(samples[samples.length - 1]!.time) - first);
  return samples
    .map((sample) => {
      const x = ((Date.parse(sample.time) - first) / span) * kWidth;
      const y = kHeight - (sample.stored_bytes / top) * (kHeight - 4);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

export function GrowthChart({ growth }: { growth: Growth }) {
  const { samples } = growth;
  const first = samples[0];
  const last = samples[samples.length - 1];
  if (!first || !last || samples.length < 2) return <p class="muted">{text.growth.tooShort}</p>;
  const top = Math.max(1, ...samples.map((sample) => sample.stored_bytes));
  const line = points(samples, top);
  const label = text.growth.label(format.bytes(first.stored_bytes), format.localDay(new Date(first.time)), format.bytes(last.stored_bytes));
  return (
    <figure class="growth">
      <svg role="img" aria-label={label} viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" height={kHeight}>
        <polygon class="growth-area" points={`0,${kHeight} ${line} ${kWidth},${kHeight}`} />
        <polyline class="growth-line" points={line} />
      </svg>
      <figcaption aria-hidden="true">
        <span>
          {format.localDay(new Date(first.time))}: {format.bytes(first.stored_bytes)}
        </span>
        <span>{format.bytes(last.stored_bytes)}</span>
      </figcaption>
    </figure>
  );
}

/// "12.0 GiB a day, full in about 5 weeks", or why nobody knows.
export function forecastWords(growth: Growth): string {
  if (growth.bytes_per_day === null) return growth.reason ?? text.common.unknown;
  const pace =
    growth.bytes_per_day < 0 ? text.growth.shrinks(format.bytes(-growth.bytes_per_day)) : text.growth.pace(format.bytes(growth.bytes_per_day));
  if (growth.full_at === null) return `${pace}, ${text.growth.never}`;
  const days = Math.min(kDaysLeftShown, (Date.parse(growth.full_at) - Date.now()) / 86_400_000);
  return `${pace}, ${text.growth.full(format.inDays(days), format.localDay(new Date(growth.full_at)))}`;
}
