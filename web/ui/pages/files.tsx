// The files in a recovery point: which machine, which moment, then disk, partition and folder. Each place has its address.
import { call } from '../api';
import * as format from '../format';
import type { Point } from '../generated/api';
import { Empty, PageHead } from '../parts/basics';
import { MachineChoice, MomentChoice } from '../parts/choice';
import { GuestFolder } from '../parts/guest_folder';
import { GuestName } from '../parts/guest_name';
import { diskTitle, FilesProblem, Reading, Trail, type Place } from '../parts/guest_place';
import { GuestVolumes } from '../parts/guest_volumes';
import { AllowedPage } from '../parts/not_allowed';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { filesHref, filesOfVmHref, href } from '../router';
import { text } from '../text';

type Properties = { parts: string[]; vm: string | null; host: string | null };

export function Files({ parts, vm, host }: Properties) {
  const [point, disk, volume, ...folders] = parts;
  if (point !== undefined)
    return (
      <AllowedPage to="listGuestVolumes" what={text.files.notAllowed} title={text.files.title}>
        <FilesOfPoint place={{ point, disk, volume, folders }} />
      </AllowedPage>
    );
  return (
    <>
      <PageHead title={text.files.title} />
      <AllowedPage to="listGuestVolumes" what={text.files.notAllowed}>
        {vm !== null ? (
          <MomentChoice vm={vm} host={host} hrefOf={(id) => filesHref(id)} again={href('files')} />
        ) : (
          <MachineChoice hrefOf={filesOfVmHref} none={text.files.noVms} />
        )}
      </AllowedPage>
    </>
  );
}

function FilesOfPoint({ place }: { place: Place }) {
  const point = useResource((signal) => call('getPoint', { path: { id: place.point }, signal }), [place.point]);
  return (
    <>
      <PageHead title={titleOf(place, point.data)} above={<Trail place={place} point={point.data} />} />
      {point.data?.has_known_damage && (
        <div class="notice warning">
          <p>{text.files.damaged}</p>
        </div>
      )}
      {point.problem ? (
        <FilesProblem problem={point.problem} point={place.point} onRetry={point.reload} />
      ) : place.disk !== undefined ? (
        <DiskPlace point={place.point} disk={place.disk} volume={place.volume} folders={place.folders} />
      ) : point.data ? (
        <DiskChoice point={point.data} />
      ) : (
        <Reading />
      )}
    </>
  );
}

function titleOf({ point: id, disk, volume, folders }: Place, point: Point | null) {
  const folder = folders[folders.length - 1];
  if (folder !== undefined) return <GuestName name={folder} />;
  if (volume !== undefined) return text.files.partition(volume);
  if (disk !== undefined) return diskTitle(disk, point);
  return point ? `${point.vm.name}, ${format.dateTime(point.time)}` : format.shortId(id);
}

function DiskPlace({ point, disk, volume, folders }: { point: string; disk: string; volume: string | undefined; folders: string[] }) {
  if (volume === undefined) return <GuestVolumes point={point} disk={disk} />;
  if (!/^\d{1,5}$/.test(volume))
    return (
      <Empty title={text.files.notFound}>
        <a href={filesHref(point)}>{text.files.pickDisk}</a>
      </Empty>
    );
  return <GuestFolder point={point} disk={disk} volume={Number(volume)} folders={folders} />;
}

/// A point of one disk shows its partitions at once.
function DiskChoice({ point }: { point: Point }) {
  const only = point.disks.length === 1 ? point.disks[0] : undefined;
  if (only) return <GuestVolumes point={point.id} disk={String(only.index)} />;
  return (
    <Table
      label={text.files.pickDisk}
      rows={point.disks}
      rowKey={(disk) => disk.id}
      columns={[
        {
          title: text.vm.disk,
          kind: 'main',
          cell: (disk) => (
            <a href={filesHref(point.id, disk.index)}>
              <strong>{diskTitle(String(disk.index), point)}</strong>
            </a>
          ),
        },
        { title: text.files.size, kind: 'number', cell: (disk) => format.bytes(disk.virtual_size_bytes) },
      ]}
    />
  );
}
