/* ReDoc has no option against its maker's logo, a picture of another host that the policy of this page forbids: the
   address is replaced by an empty picture, and ReDoc drops what it cannot show. React sets it in both ways. */
(function () {
  "use strict";

  var images = HTMLImageElement.prototype;
  var plain = images.setAttribute;
  images.setAttribute = function (name, value) {
    plain.call(this, name, name === "src" && new URL(value, location.href).origin !== location.origin ? "data:," : value);
  };
  Object.defineProperty(images, "src", {
    set: function (value) {
      this.setAttribute("src", value);
    },
  });

  var place = document.getElementById("redoc");
  document.body.style.margin = "0";
  new MutationObserver(function () {
    place.querySelectorAll("select:not([aria-label])").forEach(function (choice) {
      choice.setAttribute("aria-label", "Choice");
    });
  }).observe(place, { childList: true, subtree: true });
  // Its own colours have 1.8:1 to 3.9:1 where they stand: the red of code on grey, the orange of a redirect on its
  // tint, the tabs of answers on the dark column.
  var responses = {
    success: { tabTextColor: "#5fd068" },
    error: { tabTextColor: "#ff8a80" },
    redirect: { color: "#7a4f00", tabTextColor: "#ffc766" },
  };
  var theme = { typography: { code: { color: "#a31515" } }, colors: { responses: responses } };
  Redoc.init(place.dataset.document, { theme: theme }, place);
})();
