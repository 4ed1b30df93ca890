// Names that come out of a guest's disk: always text, never markup; each in a direction of its own; what is unseen is marked.
import type { ComponentChildren } from 'preact';

// Spaces at an end, and characters without a shape. Joiners and variants are left where they join something.
const kUnseen = /^\s+|\s+$|(?<![\p{L}\p{M}\p{Emoji}])[\u200c\u200d\ufe0e\ufe0f]|(?![\u200c\u200d\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}/gu;

export type NamePart = { isMark: boolean; text: string };

/// "\u200breport " is a mark "U+200B", the text "report" and a mark "U+0020".
export function partsOfName(name: string): NamePart[] {
  const parts: NamePart[] = [];
  let end = 0;
  for (const match of name.matchAll(kUnseen)) {
    if (match.index > end) parts.push({ isMark: false, text: name.slice(end, match.index) });
    for (const character of match[0])
      parts.push({ isMark: true, text: `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}` });
    end = match.index + match[0].length;
  }
  if (end < name.length) parts.push({ isMark: false, text: name.slice(end) });
  return parts;
}

export function GuestName({ name }: { name: string }): ComponentChildren {
  return (
    <bdi class="guest-name">
      {partsOfName(name).map((part, index) =>
        part.isMark ? (
          <code key={index} class="mark">
            {part.text}
          </code>
        ) : (
          part.text
        ),
      )}
    </bdi>
  );
}
