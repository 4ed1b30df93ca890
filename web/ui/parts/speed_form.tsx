// How fast the appliance may read: what holds now, what the configuration says, and a change that holds at once.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { Setting } from '../generated/api';
import { useAction } from '../resource';
import { text } from '../text';
import { ProblemBox, Section } from './basics';
import { Field } from './forms';

type Properties = { settings: Setting[]; onSaved: () => void };
type Change = { name: string; value: number | null };

const nameOf = (setting: Setting) => text.settings.names[setting.name] ?? setting.name;

export function SpeedForm({ settings, onSaved }: Properties) {
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [isSaved, setSaved] = useState(false);
  const save = useAction(async (changes: Change[]) => {
    setSaved(false);
    await call('changeSettings', { body: { changes } });
    setTyped({});
    setSaved(true);
    onSaved();
  });
  const changes = settings.flatMap((setting) => {
    const value = typed[setting.name];
    return value === undefined || value === setting.value ? [] : [{ name: setting.name, value: Number(value) }];
  });
  return (
    <Section title={text.settings.speed} note={text.settings.speedNote}>
      <form
        class="panel narrow"
        onSubmit={(event) => {
          event.preventDefault();
          if (changes.length > 0) void save.run(changes);
        }}
      >
        {settings.map((setting) => (
          <Speed
            key={setting.name}
            setting={setting}
            value={typed[setting.name] ?? setting.value}
            onChange={(value) => setTyped((before) => ({ ...before, [setting.name]: value }))}
            onReset={() => void save.run([{ name: setting.name, value: null }])}
          />
        ))}
        <ProblemBox problem={save.problem} />
        <p class="actions">
          <button type="submit" class="primary" disabled={save.busy || changes.length === 0}>
            {text.settings.save}
          </button>
          <span role="status">{isSaved && changes.length === 0 ? text.settings.saved : ''}</span>
        </p>
      </form>
    </Section>
  );
}

type SpeedProperties = { setting: Setting; value: string; onChange: (value: string) => void; onReset: () => void };

function Speed({ setting, value, onChange, onReset }: SpeedProperties) {
  const least = setting.least ?? 0;
  const most = setting.most ?? Number.MAX_SAFE_INTEGER;
  return (
    <div class="speed">
      <Field label={text.settings.mib(nameOf(setting))} hint={`${text.settings.speedHint(setting.configured)} ${text.settings.between(least, most)}`}>
        {(id, describedBy) => (
          <input
            id={id}
            type="number"
            class="number"
            required
            min={least}
            max={most}
            step={1}
            value={value}
            aria-describedby={describedBy}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )}
      </Field>
      {setting.source === 'state' && (
        <button type="button" aria-label={text.settings.asConfiguredOf(nameOf(setting))} onClick={onReset}>
          {text.settings.asConfigured}
        </button>
      )}
    </div>
  );
}
