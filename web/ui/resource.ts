// What a page reads: loading, loaded or refused; read again when a job ends or somebody asks.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { problemOf } from './api';
import type { Problem } from './generated/api';
import { useJobsEnded } from './live';

export type Resource<T> = { data: T | null; problem: Problem | null; reload: () => void };

/// Loads at first and whenever one of `inputs` changes. With `live` also when a job ended.
export function useResource<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: unknown[],
  live: 'live' | 'once' = 'once',
): Resource<T> {
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  const shown = useRef('');
  const reload = useCallback(() => setTurn((value) => value + 1), []);
  const key = JSON.stringify(inputs);
  useEffect(() => {
    const abort = new AbortController();
    if (shown.current !== key) setData(null);
    shown.current = key;
    load(abort.signal).then(
      (value) => {
        if (abort.signal.aborted) return;
        setData(value);
        setProblem(null);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(problemOf(error));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  useJobsEnded(live === 'live' ? reload : undefined);
  return { data, problem, reload };
}

export type Pages<T> = {
  rows: T[] | null;
  isBusy: boolean;
  problem: Problem | null;
  retry: () => void;
  /// From the first page again; what is shown stays until it is there.
  reload: () => void;
  more: (() => void) | null;
};
type Page<T> = { rows: T[]; next: string | null };

/// A list that is read page by page, when somebody asks for more. What was read stays when a page fails.
export function usePages<T>(load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>, inputs: unknown[]): Pages<T> {
  const [rows, setRows] = useState<T[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const running = useRef<AbortController | null>(null);
  const read = (cursor: string | null) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setBusy(true);
    setProblem(null);
    load(cursor ?? undefined, abort.signal)
      .then(
        (page) => {
          if (abort.signal.aborted) return;
          setRows((before) => (cursor === null || before === null ? page.rows : [...before, ...page.rows]));
          setNext(page.next);
        },
        (error: unknown) => {
          if (!abort.signal.aborted) setProblem(problemOf(error));
        },
      )
      .finally(() => {
        if (!abort.signal.aborted) setBusy(false);
      });
  };
  useEffect(() => {
    setRows(null);
    setNext(null);
    read(null);
    return () => running.current?.abort();
  }, [JSON.stringify(inputs)]);
  return {
    rows,
    isBusy,
    problem,
    retry: () => read(rows === null ? null : next),
    reload: () => read(null),
    more: next === null ? null : () => read(next),
  };
}

/// The value once it has not changed for a while: what somebody types is not asked about letter by letter.
export function useSettled<T>(value: T, delayMs: number): T {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs);
    return () => clearTimeout(timer);
  }, [key]);
  return settled;
}

/// An action that a button starts: busy while it runs, its problem kept until the next try.
export function useAction<A extends unknown[]>(action: (...args: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = async (...args: A): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await action(...args);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, problem };
}
