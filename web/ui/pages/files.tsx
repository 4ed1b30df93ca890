// Files out of recovery points: by a name across all of them; or machine, moment, disk, partition and folder. Each place has
// its address, and so has each search.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Point } from '../generated/api';
import { Empty, PageHead } from '../parts/basics';
import { MachineChoice, MomentChoice } from '../parts/choice';
import { FileIndexes } from '../parts/file_indexes';
import { SearchForm, SearchResults, type Search } from '../parts/file_search';
import { FileVersions } from '../parts/file_versions';
import { GuestFolder } from '../parts/guest_folder';
import { GuestName } from '../parts/guest_name';
import { diskTitle, FilesProblem, Reading, Trail, type Place } from '../parts/guest_place';
import { GuestVolumes } from '../parts/guest_volumes';
import { AllowedPage } from '../parts/not_allowed';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { filesHref, filesOfVmHref, href } from '../router';
import { text } from '../text';

type Properties = { parts: string[]; query: URLSearchParams };

export function Files({ parts, query }: Properties) {
  const [point, disk, volume, ...folders] = parts;
  if (point !== undefined)
    return (
      <AllowedPage to="listGuestVolumes" what={text.files.notAllowed} title={text.files.title}>
        <FilesOfPoint place={{ point, disk, volume, folders }} isVersions={query.get('view') === 'versions'} />
      </AllowedPage>
    );
  return (
    <>
      <PageHead title={text.files.title} />
      <AllowedPage to="listGuestVolumes" what={text.files.notAllowed}>
        <AllFiles search={{ name: query.get('name') ?? '', vm: query.get('vm'), host: query.get('host'), point: query.get('point') }} />
      </AllowedPage>
    </>
  );
}

/// From a name, or from a machine and a moment.
function AllFiles({ search }: { search: Search }) {
  const { name, vm, host } = search;
  const [turn, setTurn] = useState(0);
  const form = <SearchForm search={search} onAgain={() => setTurn(turn + 1)} />;
  if (name !== '')
    return (
      <>
        {form}
        <SearchResults search={search} turn={turn} />
        <p class="actions">
          <a href={href('files')}>{text.search.orBrowse}</a>
        </p>
      </>
    );
  if (vm !== null && vm !== undefined)
    return (
      <>
        {form}
        <MomentChoice vm={vm} host={host ?? null} hrefOf={(id) => filesHref(id)} again={href('files')} />
      </>
    );
  return (
    <>
      {form}
      <FileIndexes place={{}} onIndexed={() => undefined} />
      <MachineChoice hrefOf={filesOfVmHref} none={text.files.noVms} />
    </>
  );
}

function FilesOfPoint({ place, isVersions }: { place: Place; isVersions: boolean }) {
  const point = useResource((signal) => call('getPoint', { path: { id: place.point }, signal }), [place.point]);
  return (
    <>
      <PageHead title={titleOf(place, point.data, isVersions)} above={<Trail place={place} point={point.data} />} />
      {point.data?.has_known_damage && (
        <div class="notice warning">
          <p>{text.files.damaged}</p>
        </div>
      )}
      {point.problem ? (
        <FilesProblem problem={point.problem} point={place.point} onRetry={point.reload} />
      ) : place.disk !== undefined ? (
        <DiskPlace place={place} disk={place.disk} data={point.data} isVersions={isVersions} />
      ) : point.data ? (
        <>
          <SearchForm search={{ name: '', point: place.point }} />
          <DiskChoice point={point.data} />
        </>
      ) : (
        <Reading />
      )}
    </>
  );
}

function titleOf({ point: id, disk, volume, folders }: Place, point: Point | null, isVersions: boolean) {
  const last = folders[folders.length - 1];
  if (last !== undefined)
    return (
      <>
        {isVersions && `${text.versions.heading} `}
        <GuestName name={last} />
      </>
    );
  if (volume !== undefined) return text.files.partition(volume);
  if (disk !== undefined) return diskTitle(disk, point);
  return point ? `${point.vm.name}, ${format.dateTime(point.time)}` : format.shortId(id);
}

function DiskPlace({ place, disk, data, isVersions }: { place: Place; disk: string; data: Point | null; isVersions: boolean }) {
  const { point, volume, folders } = place;
  if (volume === undefined) return <GuestVolumes point={point} disk={disk} />;
  if (!/^\d{1,5}$/.test(volume))
    return (
      <Empty title={text.files.notFound}>
        <a href={filesHref(point)}>{text.files.pickDisk}</a>
      </Empty>
    );
  const folder = { point, disk, volume: Number(volume), folders };
  if (!isVersions || folders.length === 0) return <GuestFolder {...folder} />;
  if (data === null) return <Reading />;
  // The number of a disk may be another one in another point; its id is the same.
  const id = data.disks.find((entry) => String(entry.index) === disk)?.id ?? disk;
  return <FileVersions {...folder} disk={id} />;
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
