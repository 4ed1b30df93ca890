// Files of a guest as the stand-in appliance knows them: a disk with partitions of each sort, and folders with what is odd.
import { ago, kGiB } from './builders.mjs';
import { Refusal } from './refusal.mjs';

export const kManyFiles = 2_345;
export const kRightToLeft = '\u05d3\u05d5\u05d7 (3).txt';
export const kMarkup = '<img src=x onerror="document.title=1"><b>bold<∕b>';

/// The content of a file, as the appliance sends it.
export class Download {
  constructor(name, content) {
    this.name = name;
    this.content = content;
  }

  send(response) {
    response
      .writeHead(200, {
        'Content-Type': 'application/octet-stream',
        'Content-Length': this.content.length,
        'Content-Disposition': `attachment; filename="file"; filename*=UTF-8''${encodeURIComponent(this.name)}`,
        'Content-Security-Policy': "default-src 'none'; sandbox",
      })
      .end(this.content);
  }
}

function volume(number, content, fields = {}) {
  const isReadable = ['ntfs', 'fat', 'ext', 'xfs'].includes(content);
  return { number, offset_bytes: number * kGiB, size_bytes: 20 * kGiB, type: '0x07', name: null, content, label: null, notice: null, is_readable: isReadable, reason: isReadable ? null : `${content} cannot be read`, ...fields };
}

const kVolumes = [
  volume(1, 'reserved', { size_bytes: 16 * 1024 ** 2, reason: 'it is reserved and holds no files', name: 'Microsoft reserved partition' }),
  volume(2, 'ntfs', { label: 'Windows', name: 'Basic data partition' }),
  volume(3, 'ext', { label: 'root', notice: 'the file system was in use: what was written last may be missing' }),
  volume(4, 'bitlocker', { reason: 'it is encrypted by BitLocker, and only the machine has the key', name: 'Basic data partition' }),
  volume(5, 'btrfs', { reason: 'btrfs cannot be read' }),
];

function entry(name, kind = 'file', fields = {}) {
  return { name, kind, size_bytes: kind === 'file' ? 40_000 + name.length * 977 : 0, modified: ago(5_000 + name.length), link_target: null, refusal: null, ...fields };
}

const kFolders = {
  '/': [
    entry('Documents and Settings', 'link', { link_target: 'C:\\Users', refusal: 'links are not followed' }),
    entry('Users', 'folder'),
    entry('empty', 'folder'),
    entry('hiberfil.sys', 'file', { size_bytes: 6_871_947_674 }),
    entry('many', 'folder'),
    entry('odd', 'folder'),
    entry('wof.exe', 'file', { refusal: 'Windows keeps its content compressed elsewhere (WOF)' }),
  ],
  '/empty': [],
  '/many': Array.from({ length: kManyFiles }, (_, index) => entry(`file-${String(index).padStart(5, '0')}.log`)),
  '/odd': [
    entry(' leading and trailing ', 'folder'),
    entry('#hash?query=1&x=%2e%2e+plus', 'folder'),
    entry(kMarkup),
    entry('back\\x5cslash and \\x1b[2Jescape'),
    entry('damaged.db'),
    entry('no-break-and-very-long-'.repeat(11)),
    entry('pipe', 'other', { modified: null }),
    entry('\u200bzero width'),
    entry('invoice-\\xe2\\x80\\xaefdp.exe'),
    entry(kRightToLeft),
    entry('家族 👩‍👩‍👧.jpg'),
  ],
  '/odd/ leading and trailing ': [entry('inside a')],
  '/odd/#hash?query=1&x=%2e%2e+plus': [entry('inside b')],
  '/Users': [entry('anna', 'folder')],
  '/Users/anna': [entry('Documents', 'folder')],
  '/Users/anna/Documents': [entry('2026', 'folder'), entry('budget', 'folder'), entry('budget 2026.xlsx')],
  '/Users/anna/Documents/2026/November/reports/drafts/old/empty': [],
};

function folderOf({ path: { volume: number }, query }) {
  const found = kVolumes.find((candidate) => candidate.number === Number(number));
  if (!found) throw new Refusal(404, 'not_found', `there is no partition ${number} on this disk`);
  if (!found.is_readable) throw new Refusal(422, 'unsupported', `partition ${number} cannot be read: ${found.reason}`, 'entrepot restore disk gives the whole disk back');
  const path = query.path || '/';
  if (!kFolders[path]) throw new Refusal(404, 'not_found', `there is no "${path}" in partition ${number}`);
  return { path, files: kFolders[path] };
}

function listGuestFiles(appliance, request) {
  const { path, files } = folderOf(request);
  const { limit = 100, cursor } = request.query;
  if (cursor && appliance.site.brokenPages) throw new Refusal(502, 'internal', 'the reader of the disk ended before it had answered', 'Try again.');
  const begin = cursor ? files.findIndex((file) => file.name === cursor) + 1 : 0;
  const page = files.slice(begin, begin + limit);
  return { files: page, next_cursor: begin + limit < files.length ? page[page.length - 1].name : null, path };
}

function getGuestFile(_, request) {
  const { path } = request.query;
  const name = path.split('/').pop();
  const { files } = folderOf({ ...request, query: { path: path.slice(0, -name.length - 1) } });
  const file = files.find((candidate) => candidate.name === name);
  if (name === 'damaged.db') return { ...file, refusal: 'its list of blocks is damaged', path, streams: [] };
  return { ...file, path, streams: [] };
}

export const guestAnswers = {
  listGuestVolumes: (_, { path: { id, disk } }) => ({ volumes: kVolumes, next_cursor: null, point: id, disk: Number(disk), scheme: 'gpt', notices: [] }),
  listGuestFiles,
  getGuestFile,
  downloadGuestFile: (_, { query: { path } }) => new Download(path.split('/').pop(), Buffer.from(`content of ${path}`)),
};
