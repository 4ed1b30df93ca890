// One path in all points of its machine: which of them hold the same file, and each of the files to download.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { GuestFileVersion, GuestFileVersionList, PointMoment, Problem } from '../generated/api';
import { usePages } from '../resource';
import { filesHref } from '../router';
import { text } from '../text';
import { Empty, ProblemBox, When } from './basics';
import { FileDownload, partsOfPath, pathOf, type Volume } from './guest_download';
import { FilesProblem } from './guest_place';
import { Rest } from './rest';
import { Table } from './table';

const kPointsAtOnce = 100;

type Place = Volume & { folders: string[] };

/// Equal keys on two pages are one version, with more points; pages go from new to old.
function uniteVersions(pages: GuestFileVersionList[]): GuestFileVersion[] {
  const united = new Map<string, GuestFileVersion>();
  for (const version of pages.flatMap((page) => page.versions)) {
    const before = united.get(version.key);
    united.set(version.key, before ? { ...before, points: [...before.points, ...version.points] } : version);
  }
  return [...united.values()];
}

export function FileVersions(place: Place) {
  const { point, disk, volume, folders } = place;
  const path = pathOf(folders);
  const pages = usePages(
    async (cursor, signal) => {
      const query = { path, limit: kPointsAtOnce, cursor };
      const page = await call('listGuestFileVersions', { path: { id: point, disk, volume }, query, signal });
      return { rows: [page], next: page.next_cursor };
    },
    [point, disk, volume, path],
  );
  const problem = pages.problem && <FilesProblem problem={pages.problem} point={point} onRetry={pages.retry} />;
  if (pages.rows === null)
    return (
      problem ?? (
        <p class="muted loading" role="status">
          {text.versions.reading}
        </p>
      )
    );
  const versions = uniteVersions(pages.rows);
  const absent = pages.rows.flatMap((page) => page.absent);
  const unread = pages.rows.flatMap((page) => page.unread);
  const looked = versions.reduce((sum, version) => sum + version.points.length, absent.length + unread.length);
  const isAll = pages.more === null;
  return (
    <>
      <p class="muted">{text.versions.note}</p>
      {versions.length === 0 ? <Empty title={text.versions.none} /> : <VersionTable place={place} versions={versions} isAll={isAll} />}
      {problem}
      {!problem && <Rest words={text.versions.shown(format.count(looked), isAll)} more={pages.more} isBusy={pages.isBusy} />}
      {unread.length > 0 && (
        <div class="notice warning">
          <p>
            <strong>{text.versions.unread(unread.length)}</strong>
          </p>
          {unread.map(({ id, time, reason }) => (
            <p key={id}>
              <When time={time} />: {reason}
            </p>
          ))}
        </div>
      )}
      {absent.length > 0 && (
        <details>
          <summary>{text.versions.absent(absent.length)}</summary>
          <ul class="moments">
            {absent.map((moment) => (
              <li key={moment.id}>
                <When time={moment.time} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function VersionTable({ place, versions, isAll }: { place: Place; versions: GuestFileVersion[]; isAll: boolean }) {
  const [open, setOpen] = useState<string | null>(null);
  const [problems, setProblems] = useState<Record<string, Problem | null>>({});
  const older = new Map(versions.map((version, index) => [version.key, versions[index + 1]]));
  return (
    <Table
      label={text.versions.of}
      isWhole
      rows={versions}
      rowKey={(version) => version.key}
      detail={(version) =>
        open === version.key || problems[version.key] ? (
          <>
            <ProblemBox problem={problems[version.key] ?? null} />
            {open === version.key && <Moments place={place} version={version} />}
          </>
        ) : null
      }
      columns={[
        {
          title: text.versions.point,
          kind: 'main',
          cell: (version) => (
            <>
              <button
                type="button"
                class="fold"
                aria-expanded={open === version.key}
                onClick={() => setOpen(open === version.key ? null : version.key)}
              >
                <When time={newestOf(version).time} />
              </button>
              <span class="row-note">{sameWords(version.points)}</span>
            </>
          ),
        },
        {
          title: text.versions.size,
          kind: 'number',
          cell: (version) =>
            version.kind === 'file' ? (
              <span title={`${format.count(version.size_bytes)} B`}>{format.bytes(version.size_bytes)}</span>
            ) : (
              <span class="muted">{text.files.kinds[version.kind]}</span>
            ),
        },
        { title: text.versions.modified, kind: 'short', cell: (version) => <When time={version.modified} /> },
        { title: text.versions.change, cell: (version) => <span>{changeWords(version, older.get(version.key), isAll)}</span> },
        {
          title: text.files.actions,
          kind: 'actions',
          cell: (version) => (
            <VersionDownload
              place={place}
              version={version}
              moment={newestOf(version)}
              onProblem={(problem) => setProblems((before) => ({ ...before, [version.key]: problem }))}
            />
          ),
        },
      ]}
    />
  );
}

/// A version is one because a point holds it.
const newestOf = (version: GuestFileVersion) => version.points[0]!;

function sameWords(points: PointMoment[]): string {
  const oldest = points[points.length - 1];
  return points.length > 1 && oldest ? text.versions.same(points.length, format.dateTime(oldest.time)) : text.versions.onlyOne;
}

function changeWords(version: GuestFileVersion, before: GuestFileVersion | undefined, isAll: boolean): string {
  if (!before) return isAll ? text.versions.first : '';
  if (before.kind !== version.kind) return text.versions.otherKind(text.files.kinds[before.kind]);
  const more = version.size_bytes - before.size_bytes;
  if (more === 0) return text.versions.sameSize;
  return more > 0 ? text.versions.larger(format.bytes(more)) : text.versions.smaller(format.bytes(-more));
}

type DownloadProperties = { place: Place; version: GuestFileVersion; moment: PointMoment; onProblem: (problem: Problem | null) => void };

function VersionDownload({ place, version, moment, onProblem }: DownloadProperties) {
  if (version.refusal !== null) return <span class="row-note bad-text">{text.files.refused(version.refusal)}</span>;
  if (version.kind !== 'file') return null;
  const path = pathOf(place.folders);
  const label = `${partsOfPath(path).pop() ?? path} ${text.versions.inPoint(format.dateTime(moment.time))}`;
  return <FileDownload point={moment.id} disk={place.disk} volume={place.volume} path={path} label={label} onProblem={onProblem} />;
}

/// Every point that holds the version, with the way to what lies beside the file there.
function Moments({ place, version }: { place: Place; version: GuestFileVersion }) {
  return (
    <ul class="moments">
      {version.points.map((moment) => (
        <li key={moment.id}>
          <When time={moment.time} />{' '}
          <a href={filesHref(moment.id, place.disk, place.volume, ...place.folders.slice(0, -1))} aria-label={`${text.versions.folder}: ${format.dateTime(moment.time)}`}>
            {text.versions.folder}
          </a>
        </li>
      ))}
    </ul>
  );
}
