// Draws the figures of a report, for the width and the colours of the page, and lets their data be saved.
(() => {
  "use strict";
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function followHash() {
    if (location.hash === "#dark" || location.hash === "#light") root.dataset.theme = location.hash.slice(1);
  }

  // Pixels: below NARROW legends go to the bottom; what axes take beside a plot and beside stacked panels, where
  // titles stand upright; the size of a character and of a row in a legend.
  const NARROW = 560;
  const AXIS_ROOM = 64;
  const PANEL_ROOM = 80;
  const CHARACTER = 6.6;
  const LEGEND_ROW = 16;

  const figures = [...document.querySelectorAll("figure")].map((element) => ({
    element,
    name: element.dataset.name,
    chart: element.querySelector(".chart"),
    spec: JSON.parse(element.querySelector("script.spec").textContent),
    view: null,
    turn: Promise.resolve(),
  }));

  // The page's own colours, so that there is one place that knows them.
  function colours() {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(name).trim();
    const [ink, quiet, line] = [of("--ink"), of("--quiet"), of("--line")];
    return {
      background: of("--paper"),
      font: getComputedStyle(document.body).fontFamily,
      axis: { labelColor: quiet, titleColor: ink, gridColor: line, domainColor: quiet, tickColor: quiet },
      legend: { labelColor: ink, titleColor: ink },
      header: { labelColor: ink, titleColor: ink },
      title: { color: ink, subtitleColor: quiet },
      text: { color: ink },
    };
  }

  function fitted(spec, width) {
    const fit = structuredClone(spec);
    if (fit.spec) fit.spec.width = Math.max(160, width - PANEL_ROOM);
    else fit.width = width;
    const names = fit.usermeta?.jostle?.series ?? [];
    const longest = Math.max(1, ...names.map((name) => name.length));
    const columns = Math.max(1, Math.min(names.length, Math.floor((width - AXIS_ROOM) / (longest * CHARACTER + 36))));
    const below = width < NARROW ? { orient: "bottom", offset: 10 } : {};
    fit.config = { ...fit.config, legend: { ...fit.config?.legend, columns, ...below } };
    // The height of a fitted figure includes its legend, which a narrow page stacks.
    if (typeof fit.height === "number") fit.height += LEGEND_ROW * (Math.ceil(names.length / columns) - 1);
    return fit;
  }

  async function draw(figure) {
    try {
      const result = await vegaEmbed(figure.chart, fitted(figure.spec, figure.chart.clientWidth), {
        actions: false,
        logLevel: vega.Error,
        renderer: "svg",
        config: colours(),
        tooltip: { theme: "custom" },
      });
      figure.finalize?.();
      figure.finalize = result.finalize;
      figure.view = result.view;
    } catch (error) {
      figure.chart.textContent = `This figure could not be drawn: ${error.message}`;
    }
  }

  function drawAll() {
    root.dataset.charts = isDark() ? "dark" : "light";
    const button = document.getElementById("theme");
    button.hidden = false;
    button.textContent = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `switch to ${button.textContent} colours`);
    // One drawing of a figure at a time: two at once would both end up in its place.
    for (const figure of figures) figure.turn = figure.turn.then(() => draw(figure));
  }

  function save(name, url) {
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
  }

  function saveText(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    save(name, url);
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  function csv(rows) {
    const columns = [...new Set(rows.flatMap(Object.keys))];
    const cell = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
      .map((cells) => cells.map(cell).join(",") + "\n")
      .join("");
  }

  function offer(figure, label, title, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = label;
    button.setAttribute("aria-label", `save ${title} of ${figure.element.querySelector("h3").textContent}`);
    button.addEventListener("click", act);
    figure.element.querySelector(".downloads").append(button);
  }

  for (const figure of figures) {
    const rows = figure.spec.data?.values;
    if (Array.isArray(rows)) {
      offer(figure, "data (CSV)", "the data", () => saveText(`${figure.name}.csv`, "text/csv", csv(rows)));
    }
    offer(figure, "Vega-Lite", "the Vega-Lite specification", () =>
      saveText(`${figure.name}.vl.json`, "application/json", JSON.stringify(figure.spec, null, 2)));
    offer(figure, "SVG", "the picture as SVG", async () =>
      saveText(`${figure.name}.svg`, "image/svg+xml", await figure.view.toSVG()));
    offer(figure, "PNG", "the picture as PNG", async () =>
      save(`${figure.name}.png`, await figure.view.toImageURL("png", 2)));
  }

  let width = 0;
  let pending = 0;
  addEventListener("resize", () => {
    clearTimeout(pending);
    pending = setTimeout(() => {
      if (document.body.clientWidth === width) return;
      width = document.body.clientWidth;
      drawAll();
    }, 150);
  });
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    drawAll();
  });
  prefersDark.addEventListener("change", drawAll);
  addEventListener("hashchange", () => {
    followHash();
    drawAll();
  });
  addEventListener("beforeprint", () => {
    for (const setting of document.querySelectorAll("details.setting")) setting.open = true;
  });

  followHash();
  width = document.body.clientWidth;
  drawAll();
})();
