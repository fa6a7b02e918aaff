// Tells the page once when what it shows is light and what it was drawn for was dark, or the other way round.

const shown = () => getComputedStyle(document.querySelector(".stApp") ?? document.body).colorScheme;

class Theme {
  constructor() {
    this.watcher = new MutationObserver(() => this.look());
    for (const part of [document.documentElement, document.body, document.querySelector(".stApp")])
      if (part) this.watcher.observe(part, { attributes: true, attributeFilter: ["class", "style"] });
  }

  show({ drawn }, tell) {
    Object.assign(this, { drawn, tell, told: null });
    this.look();
  }

  look() {
    const now = shown();
    if (!["light", "dark"].includes(now) || now === this.drawn || now === this.told) return;
    this.told = now;
    this.tell("shown", now);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  parentElement.theme ??= new Theme();
  parentElement.theme.show(data, setTriggerValue);
  return () => {
    parentElement.theme?.watcher.disconnect();
    delete parentElement.theme;
  };
}
