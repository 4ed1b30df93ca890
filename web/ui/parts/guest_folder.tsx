// A folder of a guest, page by page, and the download of its files.
import { useEffect, useRef, useState } from 'preact/hooks';
import { addressOf, ApiError, call, problemOf, save } from '../api';
import * as format from '../format';
import type { GuestFile, Problem } from '../generated/api';
import { usePages } from '../resource';
import { filesHref } from '../router';
import { text } from '../text';
import { Empty, ProblemBox, When } from './basics';
import { GuestName } from './guest_name';
import { FilesProblem, Reading } from './guest_place';
import { Table } from './table';

const kEntriesAtOnce = 200;

type Folder = { point: string; disk: string; volume: number; folders: string[] };

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
  const problem = pages.problem && <FilesProblem problem={pages.problem} point={point} onRetry={pages.retry} />;
  if (pages.rows === null) return problem ?? <Reading />;
  if (pages.rows.length === 0 && !problem && pages.more === null) return <Empty title={text.files.empty} />;
  return (
    <>
      <FileTable folder={folder} files={pages.rows} />
      {problem}
      {!problem && <Rest count={pages.rows.length} more={pages.more} isBusy={pages.isBusy} />}
    </>
  );
}

/// How much is shown, and the button for more: it keeps the focus while there is more, then the count takes it.
function Rest({ count, more, isBusy }: { count: number; more: (() => void) | null; isBusy: boolean }) {
  const status = useRef<HTMLSpanElement>(null);
  const hadMore = useRef(more !== null);
  useEffect(() => {
    if (hadMore.current && more === null) status.current?.focus();
    hadMore.current = more !== null;
  }, [more === null]);
  return (
    <p class="actions">
      {more && (
        <button type="button" aria-disabled={isBusy} onClick={() => !isBusy && more()}>
          {isBusy ? text.files.loadingMore : text.files.more}
        </button>
      )}
      <span class="muted" role="status" tabIndex={-1} ref={status}>
        {count === 1 && !more ? text.files.oneShown : text.files.shown(format.count(count), more === null)}
      </span>
    </p>
  );
}

function pathOf(folders: string[]): string {
  return `/${folders.join('/')}`;
}

function FileTable({ folder, files }: { folder: Folder; files: GuestFile[] }) {
  const [problems, setProblems] = useState<Record<string, Problem | null>>({});
  return (
    <Table
      label={text.files.title}
      isWhole
      rows={files}
      rowKey={(file) => file.name}
      detail={(file) => (problems[file.name] ? <ProblemBox problem={problems[file.name]!} /> : null)}
      columns={[
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
            file.kind === 'file' && file.refusal === null ? (
              <Download
                folder={folder}
                name={file.name}
                onProblem={(problem) => setProblems((before) => ({ ...before, [file.name]: problem }))}
              />
            ) : null,
        },
      ]}
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

/// Asks first whether the file can be given, so that a refusal is read here and not in a broken download.
function Download({ folder, name, onProblem }: { folder: Folder; name: string; onProblem: (problem: Problem | null) => void }) {
  const [isBusy, setBusy] = useState(false);
  const path = { id: folder.point, disk: folder.disk, volume: folder.volume };
  const query = { path: pathOf([...folder.folders, name]) };
  const address = addressOf('downloadGuestFile', { path, query });
  const download = async () => {
    if (isBusy) return;
    setBusy(true);
    onProblem(null);
    try {
      const file = await call('getGuestFile', { path, query });
      if (file.refusal !== null) throw new ApiError(refusalOf(file.refusal));
      save(address);
    } catch (error) {
      onProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <a
      class="button"
      href={address}
      download
      aria-label={`${text.files.download}: ${name}`}
      onClick={(event) => {
        event.preventDefault();
        void download();
      }}
    >
      {isBusy ? text.files.preparing : text.files.download}
    </a>
  );
}

function refusalOf(refusal: string): Problem {
  return { type: 'about:blank', title: '', status: 0, detail: text.files.refused(refusal), code: 'unsupported', hint: text.files.insteadHint, context: [] };
}
