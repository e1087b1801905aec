# probereport.tcl --
#
#	The result of a probe as text and as JSON.  What a server has sent is
#	shown in printable characters only.

namespace eval ::pyossl::expect::probe {}

proc ::pyossl::expect::probe::Printable {text} {
    # Letters of all scripts are left; what moves a cursor, or begins a line,
    # is not.
    return [regsub -all {[[:cntrl:]]|[^[:print:]]|[\u2028\u2029]} $text ?]
}

# Facts result --
#	Everything but findings and certificates as rows for people: a list of
#	{title rows}, a row {name value ?list?}.  With list the value is one in
#	which the order tells something.
proc ::pyossl::expect::probe::Facts {result} {
    set tables {}
    lappend tables Protocols [lmap {version answer} [dict get $result protocols] {
	set why [dict get $result refusals $version]
	list $version [expr {$why in [list "" $answer] ? $answer
	    : "$answer ($why)"}]
    }]
    if {"yes" ni [dict values [dict get $result protocols]]} {
	return $tables
    }
    foreach {title key whose} {
	"Cipher suites" suites preferences Groups groups grouppreferences
    } {
	lappend tables $title [lmap {version names} [dict get $result $key] {
	    if {$names in {{} unknown}} {
		list $version [NamesText $names]
	    } else {
		list "$version ([Whose $result $key $version \
		    [dict get $result $whose $version]])" $names list
	    }
	}]
    }
    lappend tables "Signature schemes" \
	[lmap {version names} [dict get $result signatures] {
	    list "$version[expr {[Lacks $result signatures $version]
		? { (perhaps more)} : {}}]" [NamesText $names]
	}]
    set alpn [dict get $result alpn protocols]
    if {$alpn ni {{} unknown}} {
	# It is asked in one version only, whichever that was.
	set version [expr {[dict exists $result incomplete alpn]
	    ? [lindex [dict get $result incomplete alpn] 0] : ""}]
	set alpn "[join $alpn {, }] ([Whose $result alpn $version \
	    [dict get $result alpn preference]])"
    }
    set rows [list [list ALPN [NamesText $alpn]]]
    if {[dict get $result dhbits] ne ""} {
	lappend rows [list "Diffie-Hellman prime" \
	    "[dict get $result dhbits] bits"]
    }
    foreach {name keys} {
	"Extended master secret" extended_master_secret
	"Encrypt-then-MAC" encrypt_then_mac
	"Compression" compression
	"Secure renegotiation" {renegotiation secure}
	"Renegotiation by the client" {renegotiation client}
	"OCSP stapling" ocsp_stapling
	"SCTs in the handshake" {scts handshake}
	"SCTs in the certificate" {scts certificate}
	"Heartbeat" heartbeat
	"Fallback signal heeded" fallback_scsv
	"Mark against downgrades" downgrade_mark
	"Client certificate asked for" client_certificate
    } {
	lappend rows [list $name [join [dict get $result {*}$keys] ", "]]
    }
    lappend tables Extensions $rows
    set rows {}
    foreach {name key} {"By session id" id "By ticket" ticket "By PSK" psk} {
	lappend rows [list $name [dict get $result resumption $key]]
    }
    dict for {version tickets} [dict get $result tickets] {
	set lifetime [dict get $tickets lifetime]
	lappend rows [list "Tickets of $version" [dict get $tickets count][expr {
	    $lifetime eq "" ? "" : ", for $lifetime s"}]]
    }
    lappend rows [list "Early data" [dict get $result early_data]]
    lappend tables Resumption $rows
    set rows {}
    dict for {version cases} [dict get $result tolerance] {
	set bad [dict filter $cases script {name how} {expr {$how ne "yes"}}]
	lappend rows [list $version "[expr {[dict size $cases]
	    - [dict size $bad]}] of [dict size $cases] borne"]
	dict for {name how} $bad {
	    lappend rows [list "  $name" $how]
	}
    }
    lappend tables Tolerance $rows
    return $tables
}

# Whose result key version preference -- what is said beside a list of names.
proc ::pyossl::expect::probe::Whose {result key version preference} {
    set whose [dict get {server "the server's order" client "the client's order"
	none "no order" unknown "order unclear"} $preference]
    if {[Lacks $result $key $version]} {
	append whose ", perhaps more"
    }
    return $whose
}

# Lacks result key version -- whether a list may lack some.
proc ::pyossl::expect::probe::Lacks {result key version} {
    return [expr {[dict exists $result incomplete $key]
	&& $version in [dict get $result incomplete $key]}]
}

proc ::pyossl::expect::probe::NamesText {names} {
    return [expr {[llength $names] ? $names : "none"}]
}

# CertificateRows certificate -- one of the chain as rows.
proc ::pyossl::expect::probe::CertificateRows {certificate} {
    set rows [list [list Subject [dict get $certificate subject]] \
	[list Issuer [dict get $certificate issuer]] \
	[list Valid "[When [dict get $certificate notBefore]] to\
	    [When [dict get $certificate notAfter]]"] \
	[list Key "[dict get $certificate key], [dict get $certificate bits] bits"] \
	[list Signature [dict get $certificate signature]] \
	[list Serial [dict get $certificate serial]] \
	[list SHA-256 [dict get $certificate sha256]]]
    if {[llength [dict get $certificate names]]} {
	lappend rows [list Names [join [dict get $certificate names] ", "]]
    }
    if {[dict get $certificate error] ne ""} {
	set rows [list [list Unreadable [dict get $certificate error]]]
    }
    return $rows
}

# Text result -- for a terminal or a mail.
proc ::pyossl::expect::probe::Text {result} {
    set lines [list "[dict get $result host] port [dict get $result port]\
	([dict get $result address]), [dict get $result time],\
	[dict get $result connections] connections" ""]
    lappend lines "Findings"
    foreach finding [dict get $result findings] {
	dict with finding {
	    lappend lines [format "  %-6s  %s" $severity $text] \
		"          $why ($reference)"
	}
    }
    if {![llength [dict get $result findings]]} {
	lappend lines "  none"
    }
    foreach {title rows} [Facts $result] {
	if {[llength $rows]} {
	    lappend lines "" $title {*}[TextRows $rows]
	}
    }
    set more [expr {[dict exists $result incomplete certificates]
	? "; perhaps there are more" : ""}]
    if {$more ne "" && ![llength [dict get $result certificates]]} {
	lappend lines "" Certificates "  unknown"
    }
    foreach certificate [dict get $result certificates] {
	set versions [join [dict get $certificate versions] {, }]
	lappend lines "" "Certificates in $versions\
	    (verification: [dict get $certificate verification]$more)"
	set n 0
	foreach one [dict get $certificate chain] {
	    lappend lines "  [incr n]" \
		{*}[lmap line [TextRows [CertificateRows $one]] {
		    string cat "  " $line
		}]
	}
    }
    return [join [lmap line $lines {Printable $line}] \n]\n
}

# Rows as those of Facts; of several values in their order each has a line.
proc ::pyossl::expect::probe::TextRows {rows} {
    set lines {}
    foreach row $rows {
	lassign $row name value kind
	if {$kind eq "list" && [llength $value] > 1} {
	    lappend lines "  $name" {*}[lmap one $value {
		string cat "    " $one
	    }]
	} else {
	    lappend lines [format "  %-28s  %s" $name $value]
	}
    }
    return $lines
}

#------------------------------------------------------------------------
# JSON
#------------------------------------------------------------------------

# Json result -- the dict as an object: what is a list there is an array here,
# numbers are numbers, yes and no are true and false.
proc ::pyossl::expect::probe::Json {result} {
    set object {}
    foreach key {host address time} {
	dict set object $key [::pyossl::expect::json::string \
	    [dict get $result $key]]
    }
    foreach key {port milliseconds connections dhbits} {
	dict set object $key [::pyossl::expect::json::number \
	    [dict get $result $key]]
    }
    foreach key {protocols refusals preferences grouppreferences resumption
	    renegotiation scts} {
	dict set object $key [JsonDict [dict get $result $key] JsonWord]
    }
    foreach key {suites groups signatures} {
	dict set object $key [JsonDict [dict get $result $key] JsonNames]
    }
    dict set object incomplete [JsonDict [dict get $result incomplete] JsonList]
    foreach key {tickets tolerance} {
	dict set object $key [::pyossl::expect::json::object \
	    [dict map {version values} [dict get $result $key] {
		JsonDict $values JsonWord
	    }]]
    }
    foreach key {early_data extended_master_secret encrypt_then_mac
	    ocsp_stapling heartbeat fallback_scsv downgrade_mark
	    client_certificate} {
	dict set object $key [JsonWord [dict get $result $key]]
    }
    set compression [dict get $result compression]
    dict set object compression [expr {$compression eq "unknown" ? "null"
	: [JsonList [expr {$compression eq "none" ? {} : $compression}]]}]
    dict set object alpn [::pyossl::expect::json::object [list \
	protocols [JsonNames [dict get $result alpn protocols]] \
	preference [JsonWord [dict get $result alpn preference]]]]
    dict set object certificates [::pyossl::expect::json::array \
	[lmap certificate [dict get $result certificates] {
	    JsonCertificate $certificate
	}]]
    dict set object findings [::pyossl::expect::json::array \
	[lmap finding [dict get $result findings] {JsonDict $finding JsonText}]]
    return [::pyossl::expect::json::object $object]
}

proc ::pyossl::expect::probe::JsonDict {dict how} {
    return [::pyossl::expect::json::object \
	[dict map {name value} $dict {$how $value}]]
}

proc ::pyossl::expect::probe::JsonText {text} {
    return [::pyossl::expect::json::string $text]
}

proc ::pyossl::expect::probe::JsonList {list} {
    return [::pyossl::expect::json::array [lmap one $list {JsonText $one}]]
}

proc ::pyossl::expect::probe::JsonNames {list} {
    return [expr {$list eq "unknown" ? "null" : [JsonList $list]}]
}

proc ::pyossl::expect::probe::JsonWord {value} {
    if {[string is entier -strict $value]} {
	return [::pyossl::expect::json::number $value]
    }
    switch -- $value {
	yes { return true }
	no { return false }
	unknown - "" { return null }
    }
    return [JsonText $value]
}

proc ::pyossl::expect::probe::JsonCertificate {certificate} {
    return [::pyossl::expect::json::object [list \
	versions [JsonList [dict get $certificate versions]] \
	verification [JsonText [dict get $certificate verification]] \
	faults [::pyossl::expect::json::array \
	    [lmap fault [dict get $certificate faults] {
		JsonDict $fault JsonText
	    }]] \
	chain [::pyossl::expect::json::array \
	    [lmap one [dict get $certificate chain] {
		::pyossl::expect::json::object [list \
		    {*}[concat {*}[lmap key {subject issuer serial notBefore
			    notAfter signature key sha256 pem error} {
			list $key [JsonText [dict get $one $key]]
		    }]] \
		    bits [JsonWord [dict get $one bits]] \
		    scts [JsonWord [dict get $one scts]] \
		    names [JsonList [dict get $one names]]]
	    }]]]]
}
