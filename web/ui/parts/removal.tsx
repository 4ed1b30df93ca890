// The question before something is removed: asked by a row's button, answered in a dialog, its
// problem kept until the next try.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../resource';
import { Confirm } from './forms';

type Words = { title: string; note: string; action: string };

/// `remove` asks the API; `onDone` reads the list again. `dialog` stands beside the list.
export function useRemoval<T>(
  remove: (subject: T) => Promise<unknown>,
  words: (subject: T) => Words,
  onDone: () => void,
): { ask: (subject: T) => void; dialog: ComponentChildren } {
  const [subject, setSubject] = useState<T | null>(null);
  const action = useAction(async (chosen: T) => {
    await remove(chosen);
    setSubject(null);
    onDone();
  });
  const dialog = subject !== null && (
    <Confirm
      {...words(subject)}
      danger
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run(subject)}
      onClose={() => setSubject(null)}
    />
  );
  return { ask: setSubject, dialog };
}
