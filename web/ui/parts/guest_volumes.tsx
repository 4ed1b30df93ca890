// The partitions of a disk: which have files, and why the others do not.
import { call } from '../api';
import * as format from '../format';
import type { GuestVolume } from '../generated/api';
import { useResource } from '../resource';
import { filesHref, href } from '../router';
import { text } from '../text';
import { Badge, Empty } from './basics';
import { GuestName } from './guest_name';
import { FilesProblem, Reading } from './guest_place';
import { Table } from './table';

/// These never have files, in a sound machine either.
const kWithoutFiles = new Set(['empty', 'swap', 'reserved']);

export function GuestVolumes({ point, disk }: { point: string; disk: string }) {
  const table = useResource((signal) => call('listGuestVolumes', { path: { id: point, disk }, signal }), [point, disk]);
  if (table.problem) return <FilesProblem problem={table.problem} point={point} onRetry={table.reload} />;
  if (!table.data) return <Reading />;
  return (
    <>
      {table.data.notices.length > 0 && (
        <div class="notice warning">
          <p>
            <strong>{text.files.tableNotices}</strong>
          </p>
          {table.data.notices.map((notice) => (
            <p key={notice}>{notice}</p>
          ))}
        </div>
      )}
      {table.data.volumes.length === 0 ? (
        <Empty title={text.files.noPartitions} hint={text.files.noPartitionsHint}>
          <a class="button" href={href('restore', point)}>
            {text.files.instead}
          </a>
        </Empty>
      ) : (
        <VolumeTable volumes={table.data.volumes} point={point} disk={disk} />
      )}
    </>
  );
}

function VolumeTable({ volumes, point, disk }: { volumes: GuestVolume[]; point: string; disk: string }) {
  return (
    <Table
      label={text.files.partitions}
      rows={volumes}
      rowKey={(volume) => String(volume.number)}
      columns={[
        {
          title: text.files.partitionTitle,
          kind: 'main',
          cell: (volume) => <VolumeName volume={volume} address={filesHref(point, disk, volume.number)} />,
        },
        { title: text.files.content, cell: (volume) => text.files.contents[volume.content] ?? volume.content },
        { title: text.files.size, kind: 'number', cell: (volume) => format.bytes(volume.size_bytes) },
        { title: text.files.files, cell: (volume) => <VolumeFiles volume={volume} point={point} disk={disk} /> },
      ]}
    />
  );
}

function VolumeName({ volume, address }: { volume: GuestVolume; address: string }) {
  const names = [...new Set([volume.label, volume.name])].filter((name): name is string => name !== null);
  const number = text.files.partition(volume.number);
  return (
    <>
      {volume.is_readable ? (
        <a href={address}>
          <strong>{number}</strong>
        </a>
      ) : (
        <strong>{number}</strong>
      )}
      {names.map((name) => (
        <span key={name} class="row-note">
          <GuestName name={name} />
        </span>
      ))}
    </>
  );
}

function VolumeFiles({ volume, point, disk }: { volume: GuestVolume; point: string; disk: string }) {
  const number = text.files.partition(volume.number);
  return (
    <div>
      {volume.is_readable ? (
        <a href={filesHref(point, disk, volume.number)} aria-label={`${text.files.open}: ${number}`}>
          {text.files.open}
        </a>
      ) : kWithoutFiles.has(volume.content) ? (
        <span class="muted">{volume.reason}</span>
      ) : (
        <>
          <Badge tone="warning">{text.files.cannotRead}</Badge> {volume.reason}
          <span class="row-note">
            {text.files.insteadHint}{' '}
            <a href={href('restore', point)} aria-label={`${text.files.instead}: ${number}`}>
              {text.files.instead}
            </a>
          </span>
        </>
      )}
      {volume.notice && <span class="row-note">{volume.notice}</span>}
    </div>
  );
}
