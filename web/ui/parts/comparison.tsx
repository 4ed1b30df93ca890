// What comparing a full with the increments before it showed: a line where all is well, a notice where it is not.
import type { ComponentChildren } from 'preact';
import type { Comparison } from '../generated/api';
import * as format from '../format';
import { href } from '../router';
import { text } from '../text';
import { Badge } from './basics';

const kRangesShown = 8;

/// A job's result comes as it was stored; only what looks like a comparison is shown as one.
export function comparisonOf(value: unknown): Comparison | null {
  if (typeof value !== 'object' || value === null) return null;
  const { result, disks, suspect_points: suspects } = value as Record<string, unknown>;
  return typeof result === 'string' && Array.isArray(disks) && Array.isArray(suspects) ? (value as Comparison) : null;
}

/// A row for a list of facts; none for a point that was not compared.
export function comparisonRows(comparison: Comparison | null): [string, ComponentChildren][] {
  return comparison ? [[text.point.compared, <Verdict comparison={comparison} />]] : [];
}

function Verdict({ comparison }: { comparison: Comparison }) {
  const sum = (name: 'compared_bytes' | 'disagreeing_bytes') =>
    format.bytes(comparison.disks.reduce((total, disk) => total + disk[name], 0));
  const left = comparison.disks.filter((disk) => disk.result === 'not_compared');
  return (
    <>
      {comparison.result === 'agrees' && <Badge tone="good">{text.point.comparedAgrees(sum('compared_bytes'))}</Badge>}
      {comparison.result === 'disagrees' && (
        <Badge tone="bad">
          {text.point.comparedDisagrees(
            sum('disagreeing_bytes'),
            comparison.disks.reduce((total, disk) => total + disk.range_count, 0),
          )}
        </Badge>
      )}
      {comparison.result === 'not_possible' && text.point.comparedNot(comparison.reason)}
      {comparison.result !== 'not_possible' &&
        left.map((disk) => (
          <span key={disk.index} class="row-note">
            {text.vm.disk} {disk.index}: {text.point.notCompared(disk.reason)}
          </span>
        ))}
    </>
  );
}

export function DisagreementNotice({ comparison }: { comparison: Comparison | null }) {
  if (comparison?.result !== 'disagrees') return null;
  return (
    <div class="notice bad" role="alert">
      <h2>{text.point.disagrees}</h2>
      <p>{text.point.disagreesNote}</p>
      <ul class="plain">
        {comparison.disks
          .filter((disk) => disk.result === 'disagrees')
          .map((disk) => (
            <li key={disk.index}>
              <strong>
                {text.vm.disk} {disk.index} ({disk.name}): {text.point.disagreesAt(format.bytes(disk.disagreeing_bytes), disk.range_count)}
              </strong>
              <span class="row-note">{whereOf(disk)}</span>
            </li>
          ))}
      </ul>
      <Suspects comparison={comparison} />
    </div>
  );
}

function whereOf(disk: Comparison['disks'][number]): string {
  const shown = disk.ranges.slice(0, kRangesShown);
  const more = disk.range_count - shown.length;
  const places = shown.map((range) => text.point.differsAt(range.offset, format.bytes(range.length)));
  return [...places, ...(more > 0 ? [text.point.moreRanges(more)] : [])].join(', ');
}

function Suspects({ comparison }: { comparison: Comparison }) {
  if (comparison.suspect_points.length === 0) return null;
  const more = comparison.suspect_point_count - comparison.suspect_points.length;
  return (
    <p>
      {text.point.suspects}{' '}
      {comparison.suspect_points.map((id) => (
        <span key={id}>
          <a href={href('points', id)}>
            <code>{format.shortId(id)}</code>
          </a>{' '}
        </span>
      ))}
      {more > 0 && text.point.moreRanges(more)}
    </p>
  );
}
