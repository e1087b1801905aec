# wire.tcl --
#
#	A small grammar of binary formats, in the terms of the presentation
#	language of RFC 8446 section 3, and the two interpreters of it: bytes to
#	values and values to bytes.  What TLS messages look like is said in
#	message.tcl and extension.tcl, in tables of this grammar:
#
#	u8 u16 u24 u32		an unsigned integer
#	{code8 R} {code16 R}	the same with a name, of the registry R
#	{bytes N}		N bytes
#	opaque8 opaque16 opaque24	bytes behind their length
#	{list8 T} {list16 T} {list24 T}	values behind their length in bytes
#	{sized16 T}		one value behind its length
#	{struct FIELDS}		a dict
#	{optional T}		T, or nothing where the bytes end here
#	rest			the bytes up to the end
#	{all T}			values up to the end
#	{codev R}		the same as QUIC's integer (RFC 9000, 16)
#	opaquev			bytes behind such a one
#	{extension CONTEXT}	see extension.tcl
#
#	FIELDS is a list of {name type ?-default value? ?-make script?
#	?-also {name ...}?}, and of {? name cases}: further fields, by the value
#	of an earlier one; cases is a dict of value to FIELDS, with "*" for any
#	other one.
#
#	Every value decoded is encoded to the same bytes again.  A form with two
#	encodings of one value is refused when decoding.
#
#	To write what is wrong on purpose, a dict may have beside a field F:
#	    F_bytes	what stands in the place of its contents; the length
#			before it is right
#	    F_length	the number before it, whatever the contents are
#	    F_wire	what stands in the place of all of it
#	and trailing_bytes, which go behind the last field of a struct.

namespace eval ::pyossl::expect::wire {
    variable data {}	;# the bytes being decoded
    variable at 0	;# how many of them have been taken
    variable width	;# array: kind -> bytes of the length before it
    array set width {
	opaque8 1 opaque16 2 opaque24 3 list8 1 list16 2 list24 3 sized16 2
    }
}

#------------------------------------------------------------------------
# Bytes to values
#------------------------------------------------------------------------

# Fail offset path text --
#	What decoding ends with.  The path names the field, from the outside in.
proc ::pyossl::expect::wire::Fail {offset path text} {
    return -level 2 -code error \
	-errorcode [list PYOSSL EXPECT DECODE $offset] \
	"[string trimleft $path .]: $text, at byte $offset"
}

# Missing wanted end path -- the bytes end too early.
proc ::pyossl::expect::wire::Missing {wanted end path} {
    variable at
    set left [expr {$end - $at}]
    return -level 2 -code error -errorcode [list PYOSSL EXPECT DECODE $at] \
	"[string trimleft $path .]: [Plural $wanted] wanted,\
	[expr {$left == 0 ? "none" : $left}] left, at byte $at"
}

proc ::pyossl::expect::wire::Plural {count} {
    return [expr {$count == 1 ? "1 byte is" : "$count bytes are"}]
}

# start bytes -- the bytes that are decoded from now on.
proc ::pyossl::expect::wire::start {bytes} {
    variable data $bytes
    variable at 0
}

# Number width end path
proc ::pyossl::expect::wire::Number {width end path} {
    variable data
    variable at
    if {$at + $width > $end} {
	Missing $width $end $path
    }
    switch -- $width {
	1 {
	    binary scan $data @${at}cu value
	}
	2 {
	    binary scan $data @${at}Su value
	}
	3 {
	    binary scan $data @${at}cuSu high value
	    set value [expr {$high << 16 | $value}]
	}
	4 {
	    binary scan $data @${at}Iu value
	}
    }
    incr at $width
    return $value
}

# Bytes count end path
proc ::pyossl::expect::wire::Bytes {count end path} {
    variable data
    variable at
    if {$at + $count > $end} {
	Missing $count $end $path
    }
    set from $at
    incr at $count
    return [string range $data $from $at-1]
}

# Stop width end path --
#	Reads a length, and returns where what it is the length of ends.
proc ::pyossl::expect::wire::Stop {width end path} {
    variable at
    set length [Number $width $end $path]
    if {$at + $length > $end} {
	Fail [expr {$at - $width}] $path "the length is $length, and\
	    [Plural [expr {$end - $at}]] left"
    }
    return [expr {$at + $length}]
}

# Get type end path --
#	Decodes a value, which may go up to the offset end.
proc ::pyossl::expect::wire::Get {type end path} {
    variable data
    variable at
    switch -- [lindex $type 0] {
	u8 {
	    return [Number 1 $end $path]
	}
	u16 {
	    return [Number 2 $end $path]
	}
	u24 {
	    return [Number 3 $end $path]
	}
	u32 {
	    return [Number 4 $end $path]
	}
	code8 {
	    return [[namespace parent]::names::name [lindex $type 1] \
		[Number 1 $end $path]]
	}
	code16 {
	    return [[namespace parent]::names::name [lindex $type 1] \
		[Number 2 $end $path]]
	}
	bytes {
	    return [Bytes [lindex $type 1] $end $path]
	}
	opaque8 {
	    return [Bytes [Number 1 $end $path] $end $path]
	}
	opaque16 {
	    return [Bytes [Number 2 $end $path] $end $path]
	}
	opaque24 {
	    return [Bytes [Number 3 $end $path] $end $path]
	}
	list8 {
	    return [All [lindex $type 1] [Stop 1 $end $path] $path]
	}
	list16 {
	    return [All [lindex $type 1] [Stop 2 $end $path] $path]
	}
	list24 {
	    return [All [lindex $type 1] [Stop 3 $end $path] $path]
	}
	sized16 {
	    set stop [Stop 2 $end $path]
	    set value [Get [lindex $type 1] $stop $path]
	    Finished $stop $path
	    return $value
	}
	struct {
	    set value {}
	    Fields [lindex $type 1] $end $path value
	    return $value
	}
	all {
	    return [All [lindex $type 1] $end $path]
	}
	rest {
	    return [Bytes [expr {$end - $at}] $end $path]
	}
	codev {
	    return [[namespace parent]::names::name [lindex $type 1] \
		[Varint $end $path]]
	}
	opaquev {
	    return [Bytes [Varint $end $path] $end $path]
	}
	extension {
	    return [[namespace parent]::extension::Get [lindex $type 1] \
		$end $path]
	}
    }
    return -code error "there is no type \"$type\" in the grammar"
}

# Finished end path -- nothing may be left.
proc ::pyossl::expect::wire::Finished {end path} {
    variable at
    if {$at < $end} {
	Fail $at $path "[Plural [expr {$end - $at}]] left over"
    }
}

# All type end path -- values of one type up to the end; codes in one go.
proc ::pyossl::expect::wire::All {type end path} {
    variable data
    variable at
    set kind [lindex $type 0]
    if {$kind eq "code8" || $kind eq "code16"} {
	set size [expr {$kind eq "code8" ? 1 : 2}]
	if {($end - $at) % $size} {
	    Fail $at $path "the length is odd"
	}
	binary scan $data @$at[expr {$size == 1 ? "cu" : "Su"}][expr {
	    ($end - $at) / $size}] codes
	set at $end
	return [[namespace parent]::names::all [lindex $type 1] $codes]
    }
    set values {}
    for {set i 0} {$at < $end} {incr i} {
	lappend values [Get $type $end $path.$i]
    }
    return $values
}

# Fields fields end path resultVar --
#	Decodes the fields of a struct, and adds them to a dict.
proc ::pyossl::expect::wire::Fields {fields end path resultVar} {
    variable at
    upvar 1 $resultVar result
    foreach field $fields {
	lassign $field name type
	if {$name eq "?"} {
	    lassign [Case $result $type [lindex $field 2]] found more
	    if {!$found} {
		Fail $at $path.$type "nothing is known of\
		    \"[dict get $result $type]\""
	    }
	    Fields $more $end $path result
	} elseif {[lindex $type 0] ne "optional"} {
	    lappend result $name [Get $type $end $path.$name]
	} elseif {$at < $end} {
	    lappend result $name [Get [lindex $type 1] $end $path.$name]
	} else {
	    # Not there is something else than there and empty.
	    lappend result $name {} ${name}_wire {}
	}
    }
}

# Case dict name cases -- {found fields}: what follows by the value of a field.
proc ::pyossl::expect::wire::Case {dict name cases} {
    set value [dict get $dict $name]
    if {[dict exists $cases $value]} {
	return [list 1 [dict get $cases $value]]
    }
    if {[dict exists $cases *]} {
	return [list 1 [dict get $cases *]]
    }
    return {0 {}}
}

# Varint end path -- QUIC's integer; the shortest form only.
proc ::pyossl::expect::wire::Varint {end path} {
    variable at
    set from $at
    set value [Number 1 $end $path]
    set more [expr {(1 << ($value >> 6)) - 1}]
    set value [expr {$value & 0x3F}]
    for {set i 0} {$i < $more} {incr i} {
	set value [expr {$value << 8 | [Number 1 $end $path]}]
    }
    if {$more && $value < [dict get {1 0x40 3 0x4000 7 0x40000000} $more]} {
	Fail $from $path "the integer is longer than it need be"
    }
    return $value
}

#------------------------------------------------------------------------
# Values to bytes
#------------------------------------------------------------------------

# Bad path text --
#	What encoding ends with.  The text may quote a value of several lines, and
#	is one.
proc ::pyossl::expect::wire::Bad {path text} {
    set path [string trimleft $path .]
    return -level 2 -code error \
	-errorcode [list PYOSSL EXPECT ENCODE $path] \
	[string map {\n { } \r { } \t { }} "$path: $text"]
}

# Integer width value path
proc ::pyossl::expect::wire::Integer {width value path} {
    if {![string is entier -strict $value]} {
	Bad $path "\"[Short $value]\" is no integer"
    }
    if {$value < 0 || $value >= 1 << (8 * $width)} {
	Bad $path "$value does not fit in [expr {$width == 1 ? "a byte"
	    : "$width bytes"}]"
    }
    switch -- $width {
	1 {
	    return [binary format c $value]
	}
	2 {
	    return [binary format S $value]
	}
	3 {
	    return [binary format cS [expr {$value >> 16}] $value]
	}
	4 {
	    return [binary format I $value]
	}
    }
}

# The beginning of a value for a message of one line.
proc ::pyossl::expect::wire::Short {value} {
    if {[string length $value] > 40} {
	set value [string range $value 0 36]...
    }
    return [regsub -all {[^\x20-\x7e]} $value ?]
}

# Raw value path -- bytes as they are.
proc ::pyossl::expect::wire::Raw {value path} {
    if {[regexp {[^\u0000-\u00ff]} $value]} {
	Bad $path "a character above U+00FF is no byte"
    }
    return [binary format a* $value]
}

# Code width registry value path -- the bytes of a name or number.
proc ::pyossl::expect::wire::Code {width registry value path} {
    return [Integer $width [NumberOf $registry $value $path] $path]
}

proc ::pyossl::expect::wire::NumberOf {registry value path} {
    try {
	return [[namespace parent]::names::code $registry $value]
    } trap {PYOSSL EXPECT NAME} {message} {
	Bad $path $message
    }
}

# Put type value path --
#	Encodes a value, with the length before it if the type has one.
proc ::pyossl::expect::wire::Put {type value path} {
    variable width
    set kind [lindex $type 0]
    if {[info exists width($kind)]} {
	return [Prefixed $width($kind) [Content $type $value $path] {} $path]
    }
    return [Content $type $value $path]
}

# Prefixed width content length path --
#	The length before the contents: their own, or the one given.
proc ::pyossl::expect::wire::Prefixed {width content length path} {
    if {$length eq ""} {
	set length [string length $content]
	if {$length >= 1 << (8 * $width)} {
	    Bad $path "$length bytes are too many for a length of\
		[expr {$width == 1 ? "one byte" : "$width bytes"}]"
	}
    }
    return [Integer $width $length $path][Raw $content $path]
}

# Content type value path --
#	Encodes a value without the length before it.
proc ::pyossl::expect::wire::Content {type value path} {
    switch -- [lindex $type 0] {
	u8 {
	    return [Integer 1 $value $path]
	}
	u16 {
	    return [Integer 2 $value $path]
	}
	u24 {
	    return [Integer 3 $value $path]
	}
	u32 {
	    return [Integer 4 $value $path]
	}
	code8 {
	    return [Code 1 [lindex $type 1] $value $path]
	}
	code16 {
	    return [Code 2 [lindex $type 1] $value $path]
	}
	bytes {
	    set value [Raw $value $path]
	    if {[string length $value] != [lindex $type 1]} {
		Bad $path "[Plural [lindex $type 1]] wanted, not\
		    [string length $value]; [lindex [split $path .] end]_bytes\
		    takes any"
	    }
	    return $value
	}
	opaque8 - opaque16 - opaque24 - rest {
	    return [Raw $value $path]
	}
	list8 - list16 - list24 - all {
	    if {![string is list $value]} {
		Bad $path "\"[Short $value]\" is no list"
	    }
	    set inner [lindex $type 1]
	    set result {}
	    set i -1
	    foreach item $value {
		append result [Put $inner $item $path.[incr i]]
	    }
	    return $result
	}
	sized16 - optional {
	    return [Put [lindex $type 1] $value $path]
	}
	struct {
	    return [Struct [lindex $type 1] $value $path {}]
	}
	codev {
	    return [PutVarint [NumberOf [lindex $type 1] $value $path] $path]
	}
	opaquev {
	    set value [Raw $value $path]
	    return [PutVarint [string length $value] $path]$value
	}
	extension {
	    return [[namespace parent]::extension::Put [lindex $type 1] \
		$value $path]
	}
    }
    return -code error "there is no type \"$type\" in the grammar"
}

proc ::pyossl::expect::wire::PutVarint {value path} {
    if {![string is entier -strict $value] || $value < 0
	    || $value >= 1 << 62} {
	Bad $path "\"[Short $value]\" is no integer of at most 62 bits"
    }
    foreach {limit format mark} {
	0x40 c 0 0x4000 S 0x4000 0x40000000 I 0x80000000
	0x4000000000000000 W 0xC000000000000000
    } {
	if {$value < $limit} {
	    return [binary format $format [expr {$value | $mark}]]
	}
    }
}

# What the value of a field is when none is given.
proc ::pyossl::expect::wire::Default {field} {
    lassign $field name type
    set options [lrange $field 2 end]
    if {[dict exists $options -default]} {
	return [dict get $options -default]
    }
    if {[dict exists $options -make]} {
	return [eval [dict get $options -make]]
    }
    switch -glob -- [lindex $type 0] {
	u* - code* {
	    return 0
	}
	bytes {
	    return [string repeat \0 [lindex $type 1]]
	}
    }
    return {}
}

# Struct fields value path known --
#	Encodes a dict.  Its keys must be those of the fields, what may stand
#	beside them, and the known ones.
proc ::pyossl::expect::wire::Struct {fields value path known} {
    if {[catch {dict size $value}]} {
	Bad [expr {$path eq "" ? "message" : $path}] \
	    "\"[Short $value]\" is no dict"
    }
    lappend known trailing_bytes
    set common [llength $known]
    set result [PutFields $fields $value $path known]
    foreach key [dict keys $value] {
	if {$key ni $known} {
	    set names [lsearch -all -inline -not -regexp [lrange $known \
		$common end] {_(bytes|length|wire)$}]
	    Bad $path.$key "there is no such field[expr {
		[llength $names] ? "; there are [join $names {, }]" : ""}]"
	}
    }
    if {[dict exists $value trailing_bytes]} {
	append result [Raw [dict get $value trailing_bytes] \
	    $path.trailing_bytes]
    }
    return $result
}

# PutFields fields value path knownVar --
#	Encodes fields, and adds the keys that they know to a list.
proc ::pyossl::expect::wire::PutFields {fields value path knownVar} {
    upvar 1 $knownVar known
    set result {}
    foreach field $fields {
	lassign $field name type
	if {$name eq "?"} {
	    # By the name, even if a number has been given, or nothing.
	    set selector [lsearch -inline -index 0 $fields $type]
	    set chosen [dict create $type [Selected $selector $value \
		$path.$type]]
	    append result [PutFields [lindex [Case $chosen $type \
		[lindex $field 2]] 1] $value $path known]
	    continue
	}
	lappend known $name ${name}_bytes ${name}_length ${name}_wire
	set options [lrange $field 2 end]
	if {[dict exists $options -also]} {
	    foreach other [dict get $options -also] {
		lappend known $other
		if {[dict exists $value $other]
			&& ![dict exists $value $name]} {
		    dict set value $name [dict get $value $other]
		}
	    }
	}
	append result [PutField $field $value $path.$name]
    }
    return $result
}

# The value of a field that decides what follows, by its name.
proc ::pyossl::expect::wire::Selected {field value path} {
    lassign $field name type
    set chosen [expr {[dict exists $value $name] ? [dict get $value $name]
	: [Default $field]}]
    lassign $type kind registry
    if {$kind ni {code8 code16}} {
	return $chosen
    }
    return [[namespace parent]::names::name $registry \
	[NumberOf $registry $chosen $path]]
}

# PutField field value path --
#	Encodes one field of a dict, or what the dict has in its place.
proc ::pyossl::expect::wire::PutField {field value path} {
    variable width
    lassign $field name type
    set optional [expr {[lindex $type 0] eq "optional"}]
    if {$optional} {
	set type [lindex $type 1]
    }
    if {[dict exists $value ${name}_wire] && !($optional
	    && [dict exists $value $name] && [dict get $value $name] ne "")} {
	return [Raw [dict get $value ${name}_wire] ${path}_wire]
    }
    set kind [lindex $type 0]
    if {[dict exists $value ${name}_bytes]} {
	set content [Raw [dict get $value ${name}_bytes] ${path}_bytes]
    } elseif {[dict exists $value $name]} {
	set content [Content $type [dict get $value $name] $path]
    } else {
	set content [Content $type [Default $field] $path]
    }
    if {![info exists width($kind)]} {
	return $content
    }
    set length {}
    if {[dict exists $value ${name}_length]} {
	set length [dict get $value ${name}_length]
    }
    return [Prefixed $width($kind) $content $length $path]
}

# Knows fields value path --
#	Are all keys of a dict those of the fields?  This is what the form of a
#	message is chosen by.
proc ::pyossl::expect::wire::Knows {fields keys chosen} {
    set known $chosen
    Names $fields known
    foreach key $keys {
	if {$key ni $known} {
	    return 0
	}
    }
    return 1
}

# Names fields namesVar -- all keys that the fields know, in any case.
proc ::pyossl::expect::wire::Names {fields namesVar} {
    upvar 1 $namesVar names
    foreach field $fields {
	lassign $field name type cases
	if {$name eq "?"} {
	    foreach more [dict values $cases] {
		Names $more names
	    }
	    continue
	}
	lappend names $name ${name}_bytes ${name}_length ${name}_wire
	set options [lrange $field 2 end]
	if {[dict exists $options -also]} {
	    lappend names {*}[dict get $options -also]
	}
    }
}
