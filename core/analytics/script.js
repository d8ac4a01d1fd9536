// Tells the server that this page was visited. It keeps nothing in the browser: no cookie, no storage.
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || !navigator.sendBeacon) return;
  var target = new URL("collect", script.src).href;
  var last = "";
  var from = document.referrer;

  function tell() {
    var path = location.pathname;
    if (path === last) return;
    last = path;
    var asked = new URLSearchParams(location.search);
    function utm(name) {
      return (asked.get("utm_" + name) || "").slice(0, 200) || undefined;
    }
    var visit = {
      p: path.slice(0, 1000),
      t: document.title.slice(0, 500) || undefined,
      r: from.slice(0, 2000) || undefined,
      sw: Math.round(screen.width),
      sh: Math.round(screen.height),
      us: utm("source"),
      um: utm("medium"),
      uc: utm("campaign"),
      ux: utm("content"),
      ut: utm("term")
    };
    navigator.sendBeacon(target, new Blob([JSON.stringify(visit)], { type: "application/json" }));
    from = location.href;
  }

  // A page that changes its address by itself is another page from then on.
  var push = history.pushState;
  history.pushState = function () {
    push.apply(this, arguments);
    setTimeout(tell, 0);
  };
  addEventListener("popstate", tell);
  if (document.visibilityState === "prerender") document.addEventListener("visibilitychange", tell, { once: true });
  else tell();
})();
