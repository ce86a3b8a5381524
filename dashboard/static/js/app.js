// Entry of every page. Each module wires one thing and leaves alone what it does not find.
import { startAges } from "./ages.js";
import { startCopy } from "./copy.js";
import { startFigures } from "./figures.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLogs } from "./logs.js";
import { startMenus } from "./menus.js";
import { startPalette } from "./palette.js";
import { startPrint } from "./print.js";
import { startQueries } from "./queries.js";
import { startRange } from "./range.js";
import { startRefresh } from "./refresh.js";
import { startTheme } from "./theme.js";

startTheme();
startMenus();
startPalette();
startRange();
startKeys();
startForms();
startCopy();
startAges();
startFigures();
startRefresh();
startLogs();
startPrint();
startQueries();
