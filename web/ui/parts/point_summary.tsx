// Which machine and which moment a restore is of, and what is missing or damaged there.
import type { Point } from '../generated/api';
import { restoreHref, vmHref } from '../router';
import { text } from '../text';
import { Badge, VerifiedBadge, When } from './basics';

export function PointSummary({ point }: { point: Point }) {
  return (
    <>
      <p class="summary">
        <a href={vmHref(point.vm)}>
          <strong>{point.vm.name}</strong>
        </a>{' '}
        <When time={point.time} /> <VerifiedBadge point={point} />
        <a class="change" href={restoreHref(point.vm)}>
          {text.restore.change}
        </a>
      </p>
      {point.has_known_damage && (
        <div class="notice bad">
          <p>{text.restore.damaged}</p>
        </div>
      )}
      {point.skipped.length > 0 && (
        <p>
          <Badge tone="warning">{text.point.skipped}</Badge>{' '}
          {point.skipped.map((entry) => `${entry.name} (${entry.reason})`).join(', ')}
        </p>
      )}
    </>
  );
}
