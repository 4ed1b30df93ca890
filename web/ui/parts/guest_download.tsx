// Getting content out of a guest: a file, or a folder and what was chosen in one as an archive. What the appliance refuses is
// read here and not in a broken download; the browser itself saves what is given, so that nothing of it is held in memory.
import { useState } from 'preact/hooks';
import { addressOf, ApiError, call, problemOf, save } from '../api';
import type { Problem } from '../generated/api';
import { text } from '../text';
import { ProblemBox } from './basics';

/// The disk by its number in the point, or by its id, which is the same in all points of a machine.
export type Volume = { point: string; disk: string; volume: number };
type ArchiveFormat = 'zip' | 'tar';

/// A daemon takes no longer address.
const kAddressLengthMax = 15_000;

export function pathOf(folders: string[]): string {
  return `/${folders.join('/')}`;
}

export function partsOfPath(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

type FileProperties = Volume & { path: string; label?: string; onProblem: (problem: Problem | null) => void };

export function FileDownload({ point, disk, volume, path, label, onProblem }: FileProperties) {
  const [isBusy, setBusy] = useState(false);
  const place = { path: { id: point, disk, volume }, query: { path } };
  const address = addressOf('downloadGuestFile', place);
  const download = async () => {
    if (isBusy) return;
    setBusy(true);
    onProblem(null);
    try {
      const file = await call('getGuestFile', place);
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
      aria-label={`${text.files.download}: ${label ?? partsOfPath(path).pop() ?? path}`}
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
  return problemWith(text.files.refused(refusal), text.files.insteadHint);
}

function problemWith(detail: string, hint: string): Problem {
  return { type: 'about:blank', title: '', status: 0, detail, code: 'unsupported', hint, context: [] };
}

type ToolsProperties = Volume & { folders: string[]; chosen: string[]; onClear: () => void };

/// The whole folder, or what was chosen of it, in either format.
export function ArchiveTools({ point, disk, volume, folders, chosen, onClear }: ToolsProperties) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isStarted, setStarted] = useState(false);
  const path = pathOf(folders);
  const start = async (format: ArchiveFormat) => {
    if (isBusy) return;
    setBusy(true);
    setProblem(null);
    setStarted(false);
    try {
      const names = chosen.length > 0 ? chosen.join('/') : undefined;
      const address = addressOf('downloadGuestArchive', { path: { id: point, disk, volume }, query: { path, format, names } });
      if (address.length > kAddressLengthMax) throw new ApiError(problemWith(text.files.tooManyChosen, text.files.tooManyChosenHint));
      await call('getGuestFile', { path: { id: point, disk, volume }, query: { path } });
      save(address);
      setStarted(true);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const what = chosen.length > 0 ? text.files.chosen(chosen.length) : text.files.wholeFolder;
  return (
    <div class="folder-tools" role="group" aria-label={text.files.archive}>
      <p class="actions">
        <span role="status">{what}</span>
        {(['zip', 'tar'] as const).map((format) => (
          <button key={format} type="button" aria-disabled={isBusy} aria-label={text.files.archiveAs(what, format)} onClick={() => void start(format)}>
            {isBusy ? text.files.preparing : text.files.asArchive(format)}
          </button>
        ))}
        {chosen.length > 0 && (
          <button type="button" onClick={onClear}>
            {text.files.clearChoice}
          </button>
        )}
      </p>
      <ProblemBox problem={problem} />
      {isStarted && (
        <p class="muted" role="status">
          {text.files.archiveStarted}
        </p>
      )}
    </div>
  );
}
