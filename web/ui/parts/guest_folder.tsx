// A folder of a guest, page by page: its files to download, one by one, all, or those that were chosen.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { GuestFile, Problem } from '../generated/api';
import { usePages } from '../resource';
import { filesHref, versionsHref } from '../router';
import { text } from '../text';
import { Empty, ProblemBox, When } from './basics';
import { ArchiveTools, FileDownload, pathOf } from './guest_download';
import { GuestName } from './guest_name';
import { FilesProblem, Reading } from './guest_place';
import { Rest } from './rest';
import { Table } from './table';

const kEntriesAtOnce = 200;

type Folder = { point: string; disk: string; volume: number; folders: string[] };
type Choice = { names: ReadonlySet<string>; toggle: (name: string) => void };

export function GuestFolder(folder: Folder) {
  const { point, disk, volume, folders } = folder;
  const path = pathOf(folders);
  const pages = usePages(
    async (cursor, signal) => {
      const query = { path, limit: kEntriesAtOnce, cursor };
      const page = await call('listGuestFiles', { path: { id: point, disk, volume }, query, signal });
      return { rows: page.files, next: page.next_cursor };
    },
    [point, disk, volume, path],
  );
  const [names, setNames] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setNames(new Set()), [point, disk, volume, path]);
  const toggle = (name: string) =>
    setNames((before) => {
      const after = new Set(before);
      if (!after.delete(name)) after.add(name);
      return after;
    });
  const problem = pages.problem && <FilesProblem problem={pages.problem} point={point} onRetry={pages.retry} />;
  if (pages.rows === null) return problem ?? <Reading />;
  if (pages.rows.length === 0 && !problem && pages.more === null) return <Empty title={text.files.empty} />;
  return (
    <>
      <ArchiveTools {...folder} chosen={[...names]} onClear={() => setNames(new Set())} />
      <FileTable folder={folder} files={pages.rows} choice={{ names, toggle }} />
      {problem}
      {!problem && <Rest words={shownWords(pages.rows.length, pages.more === null)} more={pages.more} isBusy={pages.isBusy} />}
    </>
  );
}

function shownWords(count: number, isAll: boolean): string {
  return count === 1 && isAll ? text.files.oneShown : text.files.shown(format.count(count), isAll);
}

/// Links and special files have no content that an archive could hold.
function isArchivable(file: GuestFile): boolean {
  return file.kind === 'folder' || (file.kind === 'file' && file.refusal === null);
}

function FileTable({ folder, files, choice }: { folder: Folder; files: GuestFile[]; choice: Choice }) {
  const [problems, setProblems] = useState<Record<string, Problem | null>>({});
  return (
    <Table
      label={text.files.title}
      isWhole
      rows={files}
      rowKey={(file) => file.name}
      detail={(file) => (problems[file.name] ? <ProblemBox problem={problems[file.name]!} /> : null)}
      columns={[
        { title: text.files.choose, kind: 'pick', cell: (file) => <Pick file={file} choice={choice} /> },
        { title: text.files.name, kind: 'main', cell: (file) => <FileName file={file} folder={folder} /> },
        {
          title: text.files.size,
          kind: 'number',
          cell: (file) =>
            file.kind === 'file' ? (
              <span title={`${format.count(file.size_bytes)} B`}>{format.bytes(file.size_bytes)}</span>
            ) : (
              <span class="muted">{text.files.kinds[file.kind]}</span>
            ),
        },
        { title: text.files.modified, kind: 'short', cell: (file) => <When time={file.modified} /> },
        {
          title: text.files.actions,
          kind: 'actions',
          cell: (file) =>
            file.kind === 'file' && (
              <>
                {file.refusal === null && (
                  <FileDownload
                    {...folder}
                    path={pathOf([...folder.folders, file.name])}
                    onProblem={(problem) => setProblems((before) => ({ ...before, [file.name]: problem }))}
                  />
                )}
                <a
                  class="button"
                  href={versionsHref(folder.point, folder.disk, folder.volume, ...folder.folders, file.name)}
                  aria-label={`${text.versions.title}: ${file.name}`}
                >
                  {text.versions.title}
                </a>
              </>
            ),
        },
      ]}
    />
  );
}

function Pick({ file, choice }: { file: GuestFile; choice: Choice }) {
  if (!isArchivable(file)) return null;
  return (
    <input
      type="checkbox"
      aria-label={text.files.chooseOne(file.name)}
      checked={choice.names.has(file.name)}
      onChange={() => choice.toggle(file.name)}
    />
  );
}

function FileName({ file, folder }: { file: GuestFile; folder: Folder }) {
  const { point, disk, volume, folders } = folder;
  return (
    <>
      {file.kind === 'folder' ? (
        <a href={filesHref(point, disk, volume, ...folders, file.name)}>
          <strong>
            <GuestName name={file.name} />
          </strong>
        </a>
      ) : (
        <GuestName name={file.name} />
      )}
      {file.name.includes('\\x') && <span class="row-note">{text.files.escaped}</span>}
      {file.kind === 'link' && (
        <span class="row-note">
          {file.link_target === null ? (
            text.files.linkNowhere
          ) : (
            <>
              {text.files.linkTo} <GuestName name={file.link_target} />
            </>
          )}
        </span>
      )}
      {file.kind === 'other' && !file.refusal && <span class="row-note">{text.files.other}</span>}
      {file.kind !== 'link' && file.refusal && <span class="row-note bad-text">{text.files.refused(file.refusal)}</span>}
    </>
  );
}
