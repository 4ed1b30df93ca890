// Names across points as the stand-in appliance knows them: which points have an index, what is found in them, and the versions
// of a file.
import { ago } from './builders.mjs';
import { Download, kMarkup, kRightToLeft } from './guest_files.mjs';
import { Refusal } from './refusal.mjs';

export const kManyReports = 230;

/// In every machine; the size depends on the point, so that there are versions.
const kDocuments = [
  { path: '/Users/anna/Documents/budget 2026.xlsx', sizes: [48_213, 48_213, 48_213, 47_900, 47_900, 12_044] },
  { path: '/Users/anna/Documents/budget', kind: 'folder', sizes: [0] },
  { path: `/odd/${kMarkup}`, sizes: [977] },
  { path: `/odd/${kRightToLeft}`, sizes: [1_200] },
  { path: '/odd/\\x1b[2Jbudget of the escape.txt', sizes: [55] },
  { path: '/Users/anna/Documents/2026/November/reports/drafts/old/very/deep/budget draft, second version.docx', sizes: [1_048_576 * 3] },
  ...Array.from({ length: kManyReports }, (_, index) => ({ path: `/many/report-${String(index).padStart(3, '0')}.log`, sizes: [4_096 + index] })),
];

const newestFirst = (a, b) => (a.time < b.time ? 1 : -1);
const momentOf = ({ id, time }) => ({ id, time });
const pointsOf = ({ site }, { vm, host, point }) =>
  site.points
    .filter((each) => (!vm || each.vm.id === vm || each.vm.name === vm) && (host === undefined || each.vm.host === host) && (!point || each.id === point))
    .sort(newestFirst);

/// By itself the newest point of each machine has an index, as the appliance sees to it.
function indexedOf(appliance) {
  const { site } = appliance;
  if (!site.indexed) {
    const newest = new Map();
    for (const point of pointsOf(appliance, {})) if (!newest.has(point.vm.id)) newest.set(point.vm.id, point.id);
    site.indexed = new Set(newest.values());
  }
  return site.indexed;
}

const sizeAt = (document, index) => document.sizes[Math.min(index, document.sizes.length - 1)];
/// The same in every answer: what was written at another second is another file.
const kWritten = Date.parse(ago(9_000));
const modifiedAt = (document, index) =>
  new Date(kWritten - 60_000 * (document.path.length + 1440 * document.sizes.indexOf(sizeAt(document, index)))).toISOString();

function matches(name, pattern) {
  const words = pattern.toLowerCase();
  if (!/[*?]/.test(words)) return name.toLowerCase().includes(words);
  const expression = words.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${expression}$`, 'i').test(name);
}

function searchGuestFiles(appliance, { query: { name, limit = 100, cursor, ...place } }) {
  if (name === 'broken') throw new Refusal(500, 'corrupt', 'the index of a point is damaged', 'Index it again.');
  const asked = pointsOf(appliance, place);
  const indexed = indexedOf(appliance);
  const found = new Map();
  for (const point of asked.filter(({ id }) => indexed.has(id))) {
    const age = pointsOf(appliance, { vm: point.vm.id, host: point.vm.host }).indexOf(point);
    for (const document of kDocuments) {
      const own = document.path.split('/').pop();
      if (!matches(own, name)) continue;
      const file = { name: own, path: document.path, kind: document.kind ?? 'file', size_bytes: sizeAt(document, age), modified: modifiedAt(document, age), vm: { id: point.vm.id, name: point.vm.name, host: point.vm.host || null }, disk: 0, volume: 2 };
      const key = JSON.stringify(file);
      if (!found.has(key)) found.set(key, { ...file, points: [] });
      found.get(key).points.push(momentOf(point));
    }
  }
  let files = [...found.values()];
  // Another page may have a file again, in other points.
  if (appliance.site.splitsFound) files = files.flatMap((file) => file.points.map((point) => ({ ...file, points: [point] })));
  const unindexed = asked.filter(({ id }) => !indexed.has(id)).length;
  // A page ends after a second with what it has, which may be nothing.
  if (appliance.site.emptyPages > 0) {
    appliance.site.emptyPages -= 1;
    return { files: [], next_cursor: cursor ?? '0', unindexed_points: unindexed };
  }
  return { ...appliance.page('files', files, { limit, cursor: cursor ?? '0' }), unindexed_points: unindexed };
}

function listFileIndexes(appliance, { query: { vm, host, ...page } }) {
  const indexed = indexedOf(appliance);
  const rows = pointsOf(appliance, { vm, host }).map((point, index) => ({
    point: momentOf(point),
    vm: point.vm.name,
    is_indexed: indexed.has(point.id),
    made: indexed.has(point.id) ? ago(30) : null,
    files: indexed.has(point.id) ? 184_233 : 0,
    notes: indexed.has(point.id) && index === 0 ? ['disk 0, partition 4: it is encrypted by BitLocker, and only the machine has the key'] : [],
  }));
  return appliance.page('indexes', rows, page);
}

function startFileIndex(appliance, { body: { point } }) {
  const found = appliance.find('points', 'id', point);
  return { job: appliance.addJob({ kind: 'index_files', subject: `file names of ${found.vm.name}`, parameters: { point } }) };
}

/// What the job does at its end.
export function finishIndex(appliance, id, fields = {}) {
  const job = appliance.site.jobs.find((candidate) => candidate.id === id);
  if ((fields.state ?? 'done') === 'done') indexedOf(appliance).add(job.parameters.point);
  appliance.update(id, { state: 'done', stage: 'index', ended: ago(0), result: { point: job.parameters.point, files: 184_233, notes: 0 }, ...fields });
}

function listGuestFileVersions(appliance, { path: { id, disk }, query: { path, limit = 100, cursor = '0' } }) {
  const asked = appliance.find('points', 'id', id);
  if (![String(asked.disks[0].index), asked.disks[0].id].includes(disk)) throw new Refusal(404, 'not_found', `the point has no disk ${disk}`);
  const all = pointsOf(appliance, { vm: asked.vm.id, host: asked.vm.host });
  const document = kDocuments.find((candidate) => candidate.path === path);
  const begin = Number(cursor);
  const points = all.slice(begin, begin + limit);
  const answer = { versions: [], absent: [], unread: [], path, next_cursor: begin + limit < all.length ? String(begin + limit) : null };
  for (const point of points) {
    const age = all.indexOf(point);
    if (!document || age >= 9) answer.absent.push(momentOf(point));
    else if (point.has_known_damage) answer.unread.push({ ...momentOf(point), reason: 'the table of partitions cannot be read: damage at byte 65536' });
    else {
      const key = `size-${sizeAt(document, age)}`;
      const version = answer.versions.find((candidate) => candidate.key === key);
      if (version) version.points.push(momentOf(point));
      else answer.versions.push({ key, kind: document.kind ?? 'file', size_bytes: sizeAt(document, age), modified: modifiedAt(document, age), link_target: null, refusal: null, points: [momentOf(point)] });
    }
  }
  return answer;
}

function downloadGuestArchive(_, { query: { path, format, names } }) {
  const top = path.split('/').pop() || 'disk0-partition2';
  return new Download(`${top}.${format}`, Buffer.from(`${format} of ${path}: ${names ?? 'everything'}`));
}

export const searchAnswers = { searchGuestFiles, listFileIndexes, startFileIndex, listGuestFileVersions, downloadGuestArchive };
