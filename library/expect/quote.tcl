# quote.tcl --
#
#	Writes values as JSON, XML and printable text, for transcripts, reports
#	and probes.  A Tcl value does not know whether it is a number, a string
#	or a list, so that the caller says what each one is:
#
#	    json::object [dict create name [json::string $name] \
#		    ports [json::array [lmap p $ports {json::number $p}]]]

namespace eval ::pyossl::expect::json {}
namespace eval ::pyossl::expect::quote {}

# json::string text --
#	A JSON string (RFC 8259, section 7).  All but printable ASCII is escaped,
#	so that no encoding on the way can harm it.
proc ::pyossl::expect::json::string {text} {
    set result ""
    foreach part [regexp -all -inline {[ !#-\[\]-~]+|.|\n} $text] {
	if {[regexp {^[ !#-\[\]-~]+$} $part]} {
	    append result $part
	    continue
	}
	switch -- $part {
	    \" - \\ {
		append result \\$part
	    }
	    \n {
		append result \\n
	    }
	    \r {
		append result \\r
	    }
	    \t {
		append result \\t
	    }
	    default {
		scan $part %c code
		if {$code > 0xffff} {
		    # Outside of the basic plane: a pair of surrogates.
		    incr code -0x10000
		    append result [format \\u%04x\\u%04x \
			    [expr {0xd800 + ($code >> 10)}] \
			    [expr {0xdc00 + ($code & 0x3ff)}]]
		} else {
		    append result [format \\u%04x $code]
		}
	    }
	}
    }
    return \"$result\"
}

# json::number value --
#	A JSON number, or null if the value is empty.  Anything else than a
#	finite number is an error.
proc ::pyossl::expect::json::number {value} {
    if {$value eq ""} {
	return null
    }
    if {[::string is entier -strict $value]} {
	# Tcl knows more notations than JSON: 0x10, 010.
	return [expr {$value + 0}]
    }
    if {[::string is double -strict $value] && $value == $value
	    && abs($value) < Inf} {
	return [expr {double($value)}]
    }
    return -code error -errorcode {PYOSSL EXPECT VALUE} \
	    "not a finite number: \"$value\""
}

# json::boolean value --
#	true or false.
proc ::pyossl::expect::json::boolean {value} {
    return [expr {$value ? "true" : "false"}]
}

# json::bytes bytes --
#	A JSON string with the bytes in hexadecimal digits.
proc ::pyossl::expect::json::bytes {bytes} {
    return \"[binary encode hex $bytes]\"
}

# json::array list --
#	A JSON array of values that are JSON already.
proc ::pyossl::expect::json::array {list} {
    return \[[join $list ,]\]
}

# json::object dict --
#	A JSON object; the names are any text, the values are JSON already.
proc ::pyossl::expect::json::object {dict} {
    set members {}
    foreach {name value} $dict {
	lappend members [string $name]:$value
    }
    return \{[join $members ,]\}
}

# quote::xml text --
#	The text in XML, as character data or inside of a quoted attribute.
#	Characters that XML 1.0 has no place for (section 2.2) become U+FFFD.
proc ::pyossl::expect::quote::xml {text} {
    set text [regsub -all {[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]} \
	    $text \ufffd]
    return [string map {& &amp; < &lt; > &gt; \" &quot; ' &apos;
	\r &#13; \t &#9; \n &#10;} $text]
}

# quote::xmltext text --
#	As quote::xml, with the line ends left as they are: only for character
#	data.
proc ::pyossl::expect::quote::xmltext {text} {
    return [string map {&#10; \n &#9; \t} [xml $text]]
}

# quote::printable bytes ?limit? --
#	Bytes as a person reads them, on one line: printable ASCII as it is, the
#	rest as \r, \n, \t or \xNN.  After limit characters of the source (default:
#	all of them) it ends with "..." and the number of bytes left out.
proc ::pyossl::expect::quote::printable {bytes {limit -1}} {
    set more ""
    if {$limit >= 0 && [string length $bytes] > $limit} {
	set more "... ([expr {[string length $bytes] - $limit}] bytes more)"
	set bytes [string range $bytes 0 $limit-1]
    }
    set result ""
    foreach part [regexp -all -inline {[ -\[\]-~]+|.|\n} $bytes] {
	switch -regexp -- $part {
	    {^[ -\[\]-~]} {
		append result $part
	    }
	    {^\\$} {
		append result {\\}
	    }
	    {^\n$} {
		append result {\n}
	    }
	    {^\r$} {
		append result {\r}
	    }
	    {^\t$} {
		append result {\t}
	    }
	    default {
		scan $part %c code
		append result [format [expr {$code > 255 ? {\u%04x} : {\x%02x}}] $code]
	    }
	}
    }
    return $result$more
}

# quote::shown text --
#	Text of a script's or a peer's on one line, for a terminal and for systems
#	that want UTF-8: characters as they are, but for those that do something
#	(control characters, and what turns the direction of writing) or are none
#	(half a pair of surrogates); they are as in quote::printable.
proc ::pyossl::expect::quote::shown {text} {
    set acting {\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff}
    if {![regexp "\[$acting]" $text]} {
	return $text
    }
    set result ""
    # Tcl 8.6 has what is outside of the basic plane as a pair.
    foreach part [regexp -all -inline \
	    "\[\\ud800-\\udbff]\[\\udc00-\\udfff]|\[^$acting]+|." $text] {
	if {[string length $part] == 1 && [regexp "\[$acting]" $part]} {
	    set part [printable $part]
	}
	append result $part
    }
    return $result
}
