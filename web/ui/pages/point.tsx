// One recovery point by itself: the target of links from jobs and from other points.
import { call } from '../api';
import { Facts, Loaded, PageHead, VerifiedBadge, When } from '../parts/basics';
import { consistencyName, KeptBadges, PointActions, PointFacts } from '../parts/point_actions';
import * as format from '../format';
import { useResource } from '../resource';
import { vmHref } from '../router';
import { text } from '../text';

export function PointPage({ id }: { id: string }) {
  const point = useResource((signal) => call('getPoint', { path: { id }, signal }), [id], 'live');
  return (
    <Loaded resource={point}>
      {(data) => (
        <>
          <PageHead
            title={`${data.vm.name}, ${format.dateTime(data.time)}`}
            above={<a href={vmHref(data.vm)}>{data.vm.name}</a>}
          />
          <PointActions point={data} onChange={point.reload} onRemoved={() => (location.hash = vmHref(data.vm))} />
          <Facts
            rows={[
              [text.point.time, <When time={data.time} />],
              [text.point.kind, `${data.kind === 'full' ? text.point.full : text.point.incremental}: ${data.reason}`],
              [text.point.consistency, consistencyName(data.consistency)],
              [text.point.stored, format.bytes(data.unique_bytes)],
              [text.point.verified, <VerifiedBadge point={data} />],
              [text.point.kept, <KeptBadges point={data} />],
            ]}
          />
          <PointFacts point={data} />
        </>
      )}
    </Loaded>
  );
}
