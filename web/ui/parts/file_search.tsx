// A file by a part of its name, across the points of all machines: the question, what was found, and what was not looked at.
import { useEffect, useState } from 'preact/hooks';
import { call, loadAllVms } from '../api';
import * as format from '../format';
import type { FoundFile, FoundFileList, Problem, Vm } from '../generated/api';
import { usePages, useResource } from '../resource';
import { filesHref, searchHref, versionsHref, type SearchPlace } from '../router';
import { text } from '../text';
import { Empty, ProblemBox, When } from './basics';
import { FileIndexes } from './file_indexes';
import { SelectField, TextField } from './forms';
import { FileDownload, partsOfPath } from './guest_download';
import { GuestName } from './guest_name';
import { Rest } from './rest';
import { Table } from './table';

const kFoundAtOnce = 100;
/// A page ends after a second with what it has, which may be nothing.
const kEmptyPagesMax = 30;

export type Search = SearchPlace & { name: string };

const kEverywhere = '';
const kOnePoint = 'point';
const keyOf = (vm: Pick<Vm, 'host' | 'id'>) => `${vm.host}/${vm.id}`;

const isSame = (a: Search, b: Search) =>
  a.name === b.name && (['vm', 'host', 'point'] as const).every((key) => (a[key] ?? null) === (b[key] ?? null));

type FormProperties = { search: Search; onAgain?: () => void };

/// `onAgain`: the same was asked once more, which is the same address.
export function SearchForm({ search, onAgain }: FormProperties) {
  const [name, setName] = useState(search.name);
  const vms = useResource(loadAllVms, []);
  const known = (vms.data ?? []).filter((vm) => vm.points > 0);
  const asked = known.find((vm) => vm.id === search.vm && (search.host == null || vm.host === search.host));
  const [chosen, setChosen] = useState<string | null>(null);
  // Another address is another question. The form itself stays, and with it the focus.
  useEffect(() => {
    setName(search.name);
    setChosen(null);
  }, [JSON.stringify(search)]);
  const where = chosen ?? (search.point != null ? kOnePoint : asked ? keyOf(asked) : kEverywhere);
  const place = (): SearchPlace => {
    if (chosen === null) return { vm: search.vm, host: search.host, point: search.point };
    if (chosen === kOnePoint) return { point: search.point };
    const vm = known.find((candidate) => keyOf(candidate) === chosen);
    return vm ? { vm: vm.id, host: vm.host } : {};
  };
  return (
    <form
      class="filters find"
      role="search"
      aria-label={text.search.title}
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === '') return;
        const wanted = { ...place(), name: name.trim() };
        if (isSame(wanted, search)) onAgain?.();
        else location.hash = searchHref(wanted.name, wanted);
      }}
    >
      <TextField label={text.search.name} type="search" value={name} onChange={setName} required maxLength={1024} hint={text.search.nameHint} />
      <SelectField
        label={text.search.where}
        value={where}
        onChange={setChosen}
        choices={[
          ...(search.point != null ? [{ value: kOnePoint, label: text.search.onePoint }] : []),
          { value: kEverywhere, label: text.search.everywhere },
          ...known.map((vm) => ({ value: keyOf(vm), label: vm.host ? `${vm.name} ${text.vm.onHost(vm.host)}` : vm.name })),
        ]}
      />
      <button type="submit" class="primary">
        {text.search.action}
      </button>
    </form>
  );
}

/// Pages without a file are read over, as long as somebody may be expected to wait.
async function loadFound(search: Search, cursor: string | undefined, signal: AbortSignal): Promise<FoundFileList> {
  const { name, vm, host, point } = search;
  for (let empty = 0; ; ++empty) {
    const query = { name, vm: vm ?? undefined, host: host ?? undefined, point: point ?? undefined, limit: kFoundAtOnce, cursor };
    const page = await call('searchGuestFiles', { query, signal });
    if (page.files.length > 0 || page.next_cursor === null || empty >= kEmptyPagesMax) return page;
    cursor = page.next_cursor;
  }
}

const fileKeyOf = ({ points: _, ...rest }: FoundFile) => JSON.stringify(rest);

/// A file may come again on a later page, in other points: one row, newest point first.
function uniteFound(pages: FoundFileList[]): FoundFile[] {
  const united = new Map<string, FoundFile>();
  for (const file of pages.flatMap((page) => page.files)) {
    const key = fileKeyOf(file);
    const before = united.get(key);
    const points = before ? [...before.points, ...file.points.filter((point) => !before.points.some(({ id }) => id === point.id))] : file.points;
    united.set(key, { ...file, points: [...points].sort((a, b) => (a.time < b.time ? 1 : -1)) });
  }
  return [...united.values()];
}

/// `turn`: how often the same was asked.
export function SearchResults({ search, turn }: { search: Search; turn: number }) {
  const { name, vm, host, point } = search;
  const pages = usePages(
    async (cursor, signal) => {
      const page = await loadFound(search, cursor, signal);
      return { rows: [page], next: page.next_cursor };
    },
    [name, vm, host, point, turn],
  );
  const found = uniteFound(pages.rows ?? []);
  const missing = pages.rows?.[pages.rows.length - 1]?.unindexed_points ?? 0;
  const isAll = pages.more === null;
  return (
    <>
      {pages.rows === null && !pages.problem && (
        <p class="muted loading" role="status">
          {text.search.searching}
        </p>
      )}
      {pages.rows !== null && found.length === 0 && !pages.problem && (
        <Empty title={isAll ? text.search.none : text.search.noneYet} hint={text.search.noneHint} />
      )}
      {found.length > 0 && <FoundTable files={found} />}
      <ProblemBox problem={pages.problem} onRetry={pages.retry} />
      {pages.rows !== null && !pages.problem && (found.length > 0 || !isAll) && (
        <Rest words={text.search.found(format.count(found.length), found.length === 1, isAll)} more={pages.more} isBusy={pages.isBusy} />
      )}
      <FileIndexes place={search} missing={missing} onIndexed={pages.reload} />
    </>
  );
}

function FoundTable({ files }: { files: FoundFile[] }) {
  const [problems, setProblems] = useState<Record<string, Problem | null>>({});
  return (
    <Table
      label={text.search.results}
      isWhole
      rows={files}
      rowKey={fileKeyOf}
      detail={(file) => (problems[fileKeyOf(file)] ? <ProblemBox problem={problems[fileKeyOf(file)]!} /> : null)}
      columns={[
        { title: text.search.file, kind: 'main', cell: (file) => <FoundName file={file} /> },
        {
          title: text.search.machine,
          cell: (file) => (
            <div class="roomy">
              <bdi>{file.vm.name}</bdi>
              {file.vm.host && <span class="row-note">{text.vm.onHost(file.vm.host)}</span>}
            </div>
          ),
        },
        {
          title: text.versions.size,
          kind: 'number',
          cell: (file) =>
            file.kind === 'file' ? (
              <span title={`${format.count(file.size_bytes)} B`}>{format.bytes(file.size_bytes)}</span>
            ) : (
              <span class="muted">{text.files.kinds[file.kind]}</span>
            ),
        },
        { title: text.versions.modified, kind: 'short', cell: (file) => <When time={file.modified} /> },
        { title: text.search.points, cell: (file) => <FoundIn file={file} /> },
        {
          title: text.files.actions,
          kind: 'actions',
          cell: (file) => (
            <FoundActions file={file} onProblem={(problem) => setProblems((before) => ({ ...before, [fileKeyOf(file)]: problem }))} />
          ),
        },
      ]}
    />
  );
}

/// Every row was found in a point at least.
const newestOf = (file: FoundFile) => file.points[0]!;

function FoundName({ file }: { file: FoundFile }) {
  const parts = partsOfPath(file.path);
  const folders = parts.slice(0, -1);
  return (
    <>
      <strong>
        <GuestName name={file.name} />
      </strong>
      <span class="row-note">
        <a href={filesHref(newestOf(file).id, file.disk, file.volume, ...folders)}>
          <GuestName name={`/${folders.join('/')}`} />
        </a>
      </span>
    </>
  );
}

function FoundIn({ file }: { file: FoundFile }) {
  const others = file.points.length - 1;
  const oldest = file.points[others]!;
  return (
    <>
      <When time={newestOf(file).time} />
      {others > 0 && <span class="row-note">{text.search.others(others, format.dateTime(oldest.time))}</span>}
    </>
  );
}

function FoundActions({ file, onProblem }: { file: FoundFile; onProblem: (problem: Problem | null) => void }) {
  const point = newestOf(file).id;
  const parts = partsOfPath(file.path);
  if (file.kind === 'folder')
    return (
      <a class="button" href={filesHref(point, file.disk, file.volume, ...parts)} aria-label={`${text.search.open}: ${file.name}`}>
        {text.search.open}
      </a>
    );
  if (file.kind !== 'file') return null;
  return (
    <>
      <FileDownload point={point} disk={String(file.disk)} volume={file.volume} path={file.path} onProblem={onProblem} />
      <a class="button" href={versionsHref(point, file.disk, file.volume, ...parts)} aria-label={`${text.versions.title}: ${file.name}`}>
        {text.versions.title}
      </a>
    </>
  );
}
