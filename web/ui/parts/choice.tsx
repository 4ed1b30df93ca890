// Which machine, and which of its recovery points: asked before a restore and before looking for files.
import { useState } from 'preact/hooks';
import { call, loadAllVms } from '../api';
import * as format from '../format';
import type { Point, Vm } from '../generated/api';
import { usePages, useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';
import { Empty, Loaded, VerifiedBadge, When } from './basics';
import { TextField } from './forms';
import { Paged } from './paged';
import { consistencyName } from './point_actions';
import { pointsShown } from './points_shown';
import { Rest } from './rest';
import { Table } from './table';

const kMomentsAtOnce = 200;

export function MachineChoice({ hrefOf, none }: { hrefOf: (vm: Vm) => string; none: string }) {
  const vms = useResource(loadAllVms, []);
  const [filter, setFilter] = useState('');
  return (
    <Loaded resource={vms}>
      {(rows) => {
        const restorable = rows.filter((vm) => vm.points > 0);
        if (restorable.length === 0)
          return (
            <Empty title={none}>
              <a class="button" href={href('vms')}>
                {text.vms.title}
              </a>
            </Empty>
          );
        const wanted = filter.trim().toLowerCase();
        const shown = restorable.filter((vm) => vm.name.toLowerCase().includes(wanted));
        return (
          <>
            <h2>{text.restore.pickVm}</h2>
            <div class="filters" role="search" aria-label={text.common.filter}>
              <TextField label={text.common.filter} type="search" value={filter} onChange={setFilter} />
            </div>
            {shown.length === 0 ? (
              <Empty title={text.common.noMatch} />
            ) : (
              <Table
                label={text.restore.pickVm}
                rows={shown}
                rowKey={(vm) => `${vm.host}/${vm.id}`}
                columns={[
                  {
                    title: text.vms.name,
                    kind: 'main',
                    cell: (vm) => (
                      <a href={hrefOf(vm)}>
                        <strong>{vm.name}</strong>
                      </a>
                    ),
                  },
                  { title: text.vms.host, cell: (vm) => vm.host || text.vms.ingested },
                  { title: text.vms.lastPoint, cell: (vm) => <When time={vm.newest_point_time} relative /> },
                  { title: text.vms.points, kind: 'number', cell: (vm) => format.count(vm.points) },
                ]}
              />
            )}
          </>
        );
      }}
    </Loaded>
  );
}

type MomentProperties = { vm: string; host: string | null; hrefOf: (point: string) => string; again: string };

/// `again` leads back to the choice of a machine.
export function MomentChoice({ vm, host, hrefOf, again }: MomentProperties) {
  const pages = usePages(
    async (cursor, signal) => {
      const page = await call('listPoints', { query: { vm, host: host ?? undefined, limit: kMomentsAtOnce, cursor }, signal });
      return { rows: page.points, next: page.next_cursor };
    },
    [vm, host],
  );
  return (
    <Paged pages={pages} hasOwnRest>
      {(points) =>
        points.length === 0 ? (
          <Empty title={text.vm.noPoints} />
        ) : (
          <>
            <h2>
              {points[0]?.vm.name}: {text.restore.pickPoint}{' '}
              <a class="change" href={again}>
                {text.restore.change}
              </a>
            </h2>
            <Table<Point>
              label={text.restore.pickPoint}
              isWhole
              rows={points}
              rowKey={(point) => point.id}
              columns={[
                {
                  title: text.point.time,
                  kind: 'main',
                  cell: (point) => (
                    <a href={hrefOf(point.id)}>
                      <strong>
                        <When time={point.time} />
                      </strong>
                    </a>
                  ),
                },
                { title: text.point.consistency, cell: (point) => consistencyName(point.consistency) },
                { title: text.hosts.disks, cell: (point) => point.disks.map((disk) => disk.name).join(', ') },
                { title: text.point.verified, cell: (point) => <VerifiedBadge point={point} /> },
              ]}
            />
            {!pages.problem && <Rest words={pointsShown(points.length, pages.more === null)} more={pages.more} isBusy={pages.isBusy} />}
          </>
        )
      }
    </Paged>
  );
}
