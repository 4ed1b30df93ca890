// Three ways back from one moment: the whole machine, a disk of it, files of it. Each has its address.
import { may } from '../api';
import { filesHref, href } from '../router';
import { text } from '../text';

type Way = 'machine' | 'disk';

export function RestoreWays({ point, current }: { point: string; current: Way }) {
  const ways = [
    { way: 'machine', name: text.ways.machine, note: text.ways.machineNote, link: href('restore-vm', point), isOffered: may('startVmRestore') },
    { way: 'disk', name: text.ways.disk, note: text.ways.diskNote, link: href('restore', point), isOffered: may('downloadDiskImage') },
    { way: 'files', name: text.ways.files, note: text.ways.filesNote, link: filesHref(point), isOffered: may('listGuestVolumes') },
  ];
  return (
    <div class="ways" role="navigation" aria-label={text.ways.label}>
      {ways
        .filter(({ isOffered }) => isOffered)
        .map(({ way, name, note, link }) => (
          <a key={way} href={link} {...(way === current ? { 'aria-current': 'page' as const } : {})}>
            <strong>{name}</strong>
            <span class="row-note">{note}</span>
          </a>
        ))}
    </div>
  );
}
