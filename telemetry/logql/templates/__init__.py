"""Templates of line_format and label_format: the part of Go text/template that LogQL documents, interpreted here."""
