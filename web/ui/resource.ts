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
