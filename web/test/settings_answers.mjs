// Settings as the stand-in appliance has them: of the configuration file, and those that hold at once.
import { ago } from './builders.mjs';
import { Refusal } from './refusal.mjs';

const setting = (name, about, value, fields = {}) => ({
  name, about, kind: 'text', value, default: value, configured: value, source: 'default', needs_restart: true, least: null, most: null, ...fields,
});
const number = (name, about, value, least, most, fields = {}) => setting(name, about, String(value), { kind: 'number', least, most, ...fields });
const speed = (name, about) => number(name, about, 0, 0, 100_000, { needs_restart: false });

const kSettings = () => [
  setting('data', 'Where the appliance keeps its databases, its certificate and the index of names', '/var/lib/entrepot', { kind: 'path' }),
  setting('time_zone', 'In which days, weeks and calendars are counted', 'Europe/Berlin', { default: 'UTC', source: 'file' }),
  setting('repository.path', 'Where the repository is', '/mnt/backup/a-volume-with-a-very-long-name-indeed/repository', { kind: 'path', default: '/var/lib/entrepot/repository', source: 'file' }),
  speed('repository.ingest_mib_per_second', 'MiB a second that all backups together read of exports; 0: no bound'),
  speed('repository.verify_mib_per_second', 'MiB a second that all verifications together read; 0: no bound'),
  setting('server.listen', 'Address and port of the console and the REST interface', '0.0.0.0:8443', { default: '127.0.0.1:8443', source: 'command-line' }),
  number('jobs.per_host', 'Backups of one host at the same time', 2, 1, 16),
  setting('share.smb_conf', 'The configuration of the system\'s Samba, where it serves shares; empty: it does not', '', { kind: 'path' }),
  setting('share.samba_directory', 'Where the Samba of the appliance keeps its files', '/run/entrepot/samba', { kind: 'path', default: '/var/lib/entrepot/samba', source: 'environment' }),
  setting('files.index', 'Whether the files of new points are made ready to be searched by name', 'true', { kind: 'flag' }),
];

const settingsOf = (site) => (site.settings ??= kSettings());
const listOf = (site) => ({ settings: settingsOf(site), next_cursor: null, file: '/etc/entrepot/entrepot.toml', has_file: site.hasFile ?? true });

function changeSettings({ site }, { body: { changes } }) {
  for (const { name, value } of changes) {
    const found = settingsOf(site).find((candidate) => candidate.name === name);
    if (!found || found.needs_restart) throw new Refusal(400, 'invalid', `"${name}" is no setting that can be changed while the appliance runs`);
    if (value != null && value > found.most) throw new Refusal(400, 'invalid', `"${name}" must be from 0 to ${found.most}`);
    Object.assign(found, value == null ? { value: found.configured, source: 'default' } : { value: String(value), source: 'state' });
  }
  return listOf(site);
}

const clockOf = (site) => (site.clock ??= { time: ago(0), clock: ago(0), frozen: null, minimum_age_seconds: 0 });

export const settingsAnswers = {
  listSettings: ({ site }) => listOf(site),
  changeSettings,
  getClock: ({ site }) => clockOf(site),
  confirmClock: ({ site }) => Object.assign(clockOf(site), { frozen: null, time: clockOf(site).clock }),
  extendMinimumAge: ({ site }, { body: { minimum_age_seconds: seconds } }) => {
    if (seconds <= clockOf(site).minimum_age_seconds) throw new Refusal(409, 'conflict', 'the minimum age can only be made longer');
    return Object.assign(clockOf(site), { minimum_age_seconds: seconds });
  },
};
